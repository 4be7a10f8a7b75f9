"""A partner straight on its own topic: it sees that and nothing else, and a recall holds until the moment it opens."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from contracts.api import SubmitReceipt
from contracts.partner_topics import partner_topic
from contracts.topic_names import CASE_EVENTS, DISPATCHES
from contracts.topics import TOPICS, Topic
from deploy.kafka.access import Access
from deploy.kafka.acls import ensure_acls, partner_acls, relay_acls, service_acls
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ready import run_apart
from deploy.kafka.topics import ensure_topics
from services.assembly.app import make_app
from services.relay.send import Sender
from services.runtime import registry
from tests.support.carried import read_all
from tests.support.carrying import carry
from tests.support.lane_play import MINISTRY, refer
from tests.support.partners import with_partners
from tests.support.postgres import FreshDatabase
from tests.support.real_server import running
from tests.support.repository import ROOT
from tests.support.services_world import NAME, ServicesWorld, open_world, sample_region
from tests.support.strangers import by_franz_go

pytestmark = pytest.mark.timeout(600)  # the first run on a machine builds the Go program
EXAMPLE: Final = ROOT / "docs" / "partners" / "python" / "notices.py"
OTHER: Final = "shelter-th"
_WAIT_SECONDS: Final = 20


def topic_of(slug: str) -> Topic:
    directory, _ = sample_region()
    return partner_topic(directory.by_slug(slug).agency_id)


@pytest.fixture(scope="module")
def secure_kafka(
    kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
    """A secure broker with two partners' topics beside Sampan's own, each partner let at its own alone."""
    folder = tmp_path_factory.mktemp("partners-kafka")
    with LocalCluster(folder, secure=True, users=("relay", MINISTRY, OTHER), jars=kafka_jars) as cluster:
        run_apart(_prepare(cluster.access()))
        yield cluster
        cluster.kill()


async def _prepare(access: Access) -> None:
    own = [topic_of(MINISTRY), topic_of(OTHER)]
    topics = [TOPICS[CASE_EVENTS], TOPICS[DISPATCHES], *own]
    await ensure_topics(access, topics)
    partners = [acl for slug in (MINISTRY, OTHER) for acl in partner_acls(slug, topic_of(slug).topic)]
    await ensure_acls(access, (*service_acls(topics), *relay_acls(topics), *partners))


@dataclass
class Partner:
    """The ministry as a partner: where it reads, where it opens, and the world that writes to it."""

    world: ServicesWorld
    cluster: LocalCluster
    url: str
    token: str

    async def carry(self) -> int:
        """What is new goes to the brokers, as the user who may write there."""
        return await carry(self.world, self.cluster.access("relay"), [topic_of(MINISTRY)])

    async def follow(self, count: int) -> list[dict[str, Any]]:
        """The guide's Python example, until it has dealt with ``count`` notices."""
        access = self.cluster.access(MINISTRY)
        said = {
            "SAMPAN_URL": self.url,
            "SAMPAN_TOKEN": self.token,
            "SAMPAN_KAFKA": access.bootstrap,
            "SAMPAN_KAFKA_USER": MINISTRY,
            "SAMPAN_KAFKA_PASSWORD": access.password or "",
            "SAMPAN_KAFKA_CA": str(access.ca_file),
            "SAMPAN_TOPIC": topic_of(MINISTRY).topic,
        }
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, str(EXAMPLE), str(count)],
            env=os.environ | said,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


async def token_of(world: ServicesWorld, slug: str) -> str:
    async with world.store.unit_of_work() as work:
        return await registry.issue_token(
            work.connection, world.agency(slug), world.random, world.clock.now(), lasts=timedelta(days=1)
        )


@pytest.fixture
async def partner(
    secure_kafka: LocalCluster, fresh_database: FreshDatabase, tmp_path: Path
) -> AsyncIterator[Partner]:
    async with open_world(fresh_database, tmp_path, directory=with_partners(MINISTRY, OTHER)) as world:
        token = await token_of(world, MINISTRY)
        async with running(make_app(world.instance, serve_services=False)) as url:
            yield Partner(world, secure_kafka, url, token)


async def withdraw(world: ServicesWorld, receipt: SubmitReceipt) -> None:
    subjects = [{"subject": ref} for ref in receipt.subject_refs]
    await world.submit(event="ConsentWithdrawn", case=str(receipt.case_ref), subjects=subjects)
    await world.instance.settle()


async def test_a_partner_is_told_and_opens_until_it_is_taken_back(partner: Partner, go_reader: Path) -> None:
    """The guide's example opens what it was told of; of a second referral, taken back meanwhile, it gets nothing."""
    world = partner.world
    await refer(world)
    assert await partner.carry() == 1
    (opened,) = await partner.follow(1)
    assert opened["groups"]["F1"]["given_name"] == NAME
    assert opened["recalled"] is False

    receipt = await refer(world)
    assert await partner.carry() == 1
    await withdraw(world, receipt)  # after the notice lies on the broker, before anybody has read it
    (refused,) = await partner.follow(1)
    assert refused["dispatch"] != opened["dispatch"]
    assert refused["recalled"] is True
    assert "groups" not in refused
    assert refused["refused"] == "gate-closed"

    told = await partner.carry()
    assert told >= 1
    again = await partner.follow(told)
    assert refused["dispatch"] in [one["dispatch"] for one in again]

    access, topic = partner.cluster.access(MINISTRY), topic_of(MINISTRY).topic
    heard = await asyncio.to_thread(by_franz_go, go_reader, access, partner.url, topic, told + 2)
    assert [opened["dispatch"], refused["dispatch"]] <= [one.value["dispatch"] for one in heard]


async def test_the_example_deals_with_a_copy_once(partner: Partner) -> None:
    """What the relay sends again after a failure is one notice to the guide's example, however often it lies there."""
    world, topic = partner.world, topic_of(MINISTRY)
    await refer(world)
    assert await partner.carry() == 1
    sender = Sender(partner.cluster.access("relay").for_aiokafka())
    await sender(await read_all(world, topic.topic))
    await sender.close()
    await refer(world)
    assert await partner.carry() == 1
    items = (await world.instance.inbox.page(world.agency(MINISTRY), 0, 10)).items
    dealt_with = await partner.follow(2)
    assert sorted(one["dispatch"] for one in dealt_with) == sorted(str(item.dispatch) for item in items)


async def test_another_agencys_token_opens_nothing_of_it(partner: Partner) -> None:
    """Whoever learns the id in a notice opens nothing: to others it is as absent as one that never was."""
    world = partner.world
    await refer(world)
    (item,) = (await world.instance.inbox.page(world.agency(MINISTRY), 0, 10)).items
    stranger = await token_of(world, OTHER)
    async with httpx.AsyncClient(base_url=partner.url) as api:
        path, told = f"/v1/inbox/{item.dispatch}/open", {"Authorization": f"Bearer {stranger}"}
        answer = await api.post(path, json={}, headers=told)
        nobody = await api.post(path, json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-dispatch")
    assert nobody.status_code == 401


def _refusal(access: Access, topic: str, group: str) -> KafkaError | None:
    """How the broker refuses to let ``access`` read ``topic`` in ``group``; None where a record came."""
    consumer = Consumer(access.for_librdkafka() | {"group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(_WAIT_SECONDS)
        assert message is not None, "neither a record nor a refusal"
        return message.error()
    finally:
        consumer.close()


def _write(access: Access, topic: str, partitions: Sequence[int]) -> list[KafkaError | None]:
    answers: list[KafkaError | None] = []
    producer = Producer(access.for_librdkafka())
    for partition in partitions:
        producer.produce(
            topic, b"sealed", partition=partition, on_delivery=lambda error, _: answers.append(error)
        )
    assert producer.flush(_WAIT_SECONDS) == 0
    return answers


def test_a_partner_sees_its_topic_and_nothing_else(secure_kafka: LocalCluster) -> None:
    """Its own topic is all that is listed; another partner's and Sampan's own are refused, and so is another group."""
    own, others = topic_of(OTHER).topic, topic_of(MINISTRY).topic
    assert _write(secure_kafka.access("relay"), own, [0]) == [None]
    access = secure_kafka.access(OTHER)
    probe = Consumer(access.for_librdkafka() | {"group.id": own})
    try:
        assert set(probe.list_topics(timeout=_WAIT_SECONDS).topics) == {own}
        probe.assign([TopicPartition(own, 0, 0)])
        read = probe.poll(_WAIT_SECONDS)
        assert read is not None
        assert read.value() == b"sealed"
    finally:
        probe.close()
    for topic in (others, CASE_EVENTS, DISPATCHES):
        error = _refusal(access, topic, own)
        assert error is not None
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    error = _refusal(access, own, others)
    assert error is not None
    assert error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def test_a_partner_writes_nowhere(secure_kafka: LocalCluster) -> None:
    """Not even its own topic takes a record from a partner: what stands there is Sampan's word."""
    for topic in (topic_of(MINISTRY).topic, topic_of(OTHER).topic):
        (error,) = _write(secure_kafka.access(MINISTRY), topic, [0])
        assert error is not None
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED

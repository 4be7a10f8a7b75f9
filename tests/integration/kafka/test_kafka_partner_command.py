"""``sampan kafka partner``: a user made by it reads its own topic and nothing else, until it is removed."""

from __future__ import annotations

import asyncio
import gc
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from typer.testing import CliRunner, Result

from contracts.partner_topics import partner_topic
from contracts.topic_names import DISPATCHES
from contracts.topics import TOPICS
from deploy.kafka.access import Access
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ready import admin, run_apart
from deploy.kafka.topics import ensure_topics
from deploy.kafka.users import ITERATIONS, salted_password
from services.assembly import region
from services.cli.main import app

AGENCY = "shelter-th"
TOPIC = partner_topic(region.load(None)[0].by_slug(AGENCY).agency_id).topic


@pytest.fixture(scope="module")
def secure(kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A secure broker that holds one of our own topics, and no partner."""
    folder = tmp_path_factory.mktemp("secure-partner")
    with LocalCluster(folder, secure=True, users=("router",), jars=kafka_jars) as cluster:
        run_apart(ensure_topics(cluster.access(), [TOPICS[DISPATCHES]]))
        yield cluster
        cluster.kill()


def _typed(access: Access, *words: str) -> Result:
    said = {
        "SAMPAN_BROKERS__BOOTSTRAP": access.bootstrap, "SAMPAN_BROKERS__USER": str(access.user),
        "SAMPAN_BROKERS__PASSWORD": str(access.password), "SAMPAN_BROKERS__CA_FILE": str(access.ca_file),
    }  # fmt: skip
    return CliRunner().invoke(app, ["kafka", "partner", AGENCY, *words], env=said)


async def _answered(cluster: LocalCluster, *words: str) -> Any:
    done = await asyncio.to_thread(_typed, cluster.access(), *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


async def _read(access: Access, topic: str) -> bytes:
    consumer = AIOKafkaConsumer(**access.for_aiokafka(), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(topic, 0)])
    try:
        await consumer.start()
        value: bytes = (await consumer.getone()).value
        return value
    finally:
        await consumer.stop()


async def _comes_in(access: Access) -> bool:
    try:
        async with admin(access):
            return True
    except KafkaError:
        pass
    with warnings.catch_warnings():  # aiokafka leaves a refused connection to the garbage collector, which says so
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return False


@pytest.mark.timeout(180)
async def test_the_user_that_it_makes_reads_its_topic_and_nothing_else(secure: LocalCluster) -> None:
    """It lists and reads its own topic, writes to none, and sees no other; a second call changes nothing; another
    password ends the first; a removed user comes in no more."""
    made = await _answered(secure)
    assert (made["topic"], made["user"]) == (TOPIC, TOPIC)
    partner = replace(secure.access(), user=made["user"], password=made["password"])
    async with AIOKafkaProducer(**secure.access().for_aiokafka(), acks="all") as producer:
        await producer.send_and_wait(TOPIC, b"a notice", partition=0)
    assert await _read(partner, TOPIC) == b"a notice"
    async with admin(partner) as client:
        assert await client.list_topics() == [TOPIC]
    with pytest.raises(TopicAuthorizationFailedError):
        await _read(partner, DISPATCHES)
    async with AIOKafkaProducer(**partner.for_aiokafka()) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(TOPIC, b"not its to write", partition=0)

    assert (await _answered(secure))["password"] is None
    assert await _comes_in(partner)
    assert await _read(partner, TOPIC) == b"a notice"
    renewed = await _answered(secure, "--new-password")
    assert not await _comes_in(partner)
    partner = replace(partner, password=renewed["password"])
    assert await _read(partner, TOPIC) == b"a notice"

    assert await _answered(secure, "--remove") == {"user": TOPIC, "removed": True}
    assert not await _comes_in(partner)
    assert await _answered(secure, "--remove") == {"user": TOPIC, "removed": False}


@pytest.mark.timeout(120)
def test_who_is_no_administrator_is_told_so(secure: LocalCluster) -> None:
    """A service's user makes no partner: one sentence, no password."""
    done = _typed(secure.access("router"))
    said = " ".join(done.output.split())
    assert (done.exit_code, "As an administrator" in said or "not let" in said) == (1, True), done.output
    assert "password:" not in said


def test_a_salted_password_is_what_the_standard_says() -> None:
    """PBKDF2 with SHA-512: 64 bytes, of password, salt and the iterations that are told to the broker."""
    one = salted_password("pencil", b"salt")
    assert (len(one), ITERATIONS >= 4096) == (64, True)
    assert one != salted_password("pencil", b"other")
    assert one != salted_password("pencil2", b"salt")

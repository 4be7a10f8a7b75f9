"""A secure cluster: nobody without a password, nobody beyond what was granted."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed, TopicAuthorizationFailedError
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from contracts.topics import CASE_EVENTS, DELIVERY_EVENTS, DISPATCHES, TOPICS
from deploy.kafka.access import Access
from deploy.kafka.acls import Acl, Operation, ensure_acls, partner_acls, relay_acls, service_acls
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ready import admin, run_apart
from deploy.kafka.topics import ensure_topics

PARTNER_TOPIC = "partner-shelter-th"


@pytest.fixture(scope="module")
def secure(kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """One secure broker with Sampan's topics, its services' grants and one partner's own topic."""
    folder = tmp_path_factory.mktemp("secure-kafka")
    users = ("router", "delivery", "relay", "shelter-th")
    with LocalCluster(folder, secure=True, users=users, jars=kafka_jars) as cluster:
        run_apart(_prepare(cluster.access()))
        yield cluster


async def _prepare(access: Access) -> None:
    await ensure_topics(access)
    await ensure_topics(access, [replace(TOPICS[DISPATCHES], topic=PARTNER_TOPIC, partitions=1)])
    await ensure_acls(access, (*service_acls(), *relay_acls(), *partner_acls("shelter-th", PARTNER_TOPIC)))


async def test_a_service_writes_dead_letters_and_nothing_else(secure: LocalCluster) -> None:
    """The router buries what it cannot read; of the log's own topics it writes none, not even those it produces."""
    async with AIOKafkaProducer(**secure.access("router").for_aiokafka(), acks="all") as producer:
        assert (await producer.send_and_wait(CASE_EVENTS + "-dlq", b"foreign", partition=0)).offset >= 0
        for topic in (DISPATCHES, CASE_EVENTS, DELIVERY_EVENTS):
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait(topic, b"forged", partition=0)


async def test_a_partner_sees_its_own_topic_alone(secure: LocalCluster) -> None:
    """A partner's client lists one topic, reads it, and may write to none."""
    async with AIOKafkaProducer(**secure.access().for_aiokafka(), acks="all") as producer:
        await producer.send_and_wait(PARTNER_TOPIC, b"ticket", partition=0)
    access = secure.access("shelter-th")
    async with admin(access) as client:
        assert await client.list_topics() == [PARTNER_TOPIC]
    consumer = AIOKafkaConsumer(**access.for_aiokafka(), auto_offset_reset="earliest")
    consumer.assign([TopicPartition(PARTNER_TOPIC, 0)])
    async with consumer:
        assert (await consumer.getone()).value == b"ticket"
    async with AIOKafkaProducer(**access.for_aiokafka(), acks="all") as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(PARTNER_TOPIC, b"forged", partition=0)


async def test_a_wrong_password_is_refused(secure: LocalCluster) -> None:
    """A known user with another password does not get in."""
    with pytest.raises((SaslAuthenticationFailed, KafkaConnectionError)):
        async with admin(replace(secure.access("router"), password="guessed")):
            raise AssertionError("let in")


async def test_a_server_of_another_authority_is_not_trusted(secure: LocalCluster) -> None:
    """A client that does not know the cluster's authority refuses to give its password."""
    stranger = secure.access("router").for_aiokafka() | {"ssl_context": ssl.create_default_context()}
    producer = AIOKafkaProducer(**stranger)
    with pytest.raises(KafkaConnectionError):
        await producer.start()
    await producer.stop()


def test_a_client_of_others_gets_in_too(secure: LocalCluster) -> None:
    """librdkafka, which others wrote, logs in over TLS and has its record acknowledged."""
    config = secure.access("relay").for_librdkafka()
    assert DISPATCHES in AdminClient(config).list_topics(timeout=20).topics
    answers: list[object] = []
    producer = Producer(config | {"acks": "all"})
    producer.produce(DISPATCHES, b"sealed", partition=1, on_delivery=lambda error, _: answers.append(error))
    assert producer.flush(20) == 0
    assert answers == [None]


def test_every_service_is_granted_what_its_topics_say() -> None:
    """Grants follow the producers and consumers of the topic files, and no others."""
    grants = service_acls()
    assert Acl("router", Operation.READ, "case-events") in grants
    assert Acl("delivery", Operation.WRITE, "case-events-dlq") not in grants
    assert Acl("router", Operation.WRITE, "case-events-dlq") in grants
    reads = {acl.name for acl in grants if (acl.user, acl.operation) == ("portal", Operation.READ)}
    assert reads == {"decisions", "delivery-events"}


def test_secrets_are_the_owners_alone(secure: LocalCluster) -> None:
    """No other account of the machine can read a key, a password or what Kafka was started with."""
    folders = (secure.folder, secure.folder / "secrets", secure.folder / "node-1")
    assert [folder.stat().st_mode & 0o077 for folder in folders[1:]] == [0, 0]
    files = [*(secure.folder / "secrets").iterdir(), secure.folder / "node-1" / "run.args"]
    assert not [file.name for file in files if file.stat().st_mode & 0o077]
    assert not (secure.folder / "node-1" / "format.args").exists()
    assert secure.access().password not in repr(secure.access())

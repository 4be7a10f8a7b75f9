"""Relay and reader over TLS and SASL, with no more rights than theirs; and what they say when these are not right."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.topics import CASE_EVENTS, DECISIONS, TOPICS
from deploy.kafka.access import Access
from deploy.kafka.acls import ensure_acls, relay_acls, service_acls
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ready import run_apart
from deploy.kafka.topics import ensure_topics
from services.relay.send import Sender
from services.runtime.log import NewRecord
from services.runtime.log.kafka import KafkaRefuses, reading
from services.runtime.log.kafka_dead_letters import dead_letters
from tests.conformance.log.harness import OUTPUT, copy_to_output, key_number, numbered
from tests.support.kafka_log import KafkaLog, kafka_log
from tests.support.postgres import FreshDatabase

PREFIX = "secured-"
WRONG = "correct-horse-battery"


@pytest.fixture(scope="module")
def secure(kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """One secure broker with our topics and the grants of ``deploy.kafka.acls``."""
    folder = tmp_path_factory.mktemp("secure-relay")
    with LocalCluster(folder, secure=True, users=("relay", "router", "portal"), jars=kafka_jars) as cluster:
        run_apart(_prepare(cluster.access()))
        yield cluster
        cluster.kill()


async def _prepare(access: Access) -> None:
    await ensure_topics(access, prefix=PREFIX)
    await ensure_acls(access, (*relay_acls(prefix=PREFIX), *service_acls(prefix=PREFIX)))


@pytest.fixture
async def log(fresh_database: FreshDatabase, secure: LocalCluster) -> AsyncIterator[KafkaLog]:
    async with kafka_log(fresh_database, secure.access(), prefix=PREFIX) as opened:
        yield opened


@pytest.fixture
def nothing_told(caplog: pytest.LogCaptureFixture, secure: LocalCluster) -> Iterator[Callable[[str], None]]:
    """Every log line of the test, ours and aiokafka's, is looked through for passwords, and so is what is given."""
    caplog.set_level(logging.DEBUG)
    passwords = [str(secure.access(user).password) for user in ("relay", "router", "admin")]

    def look(text: str) -> None:
        assert not [word for word in (*passwords, WRONG) if word in text]

    yield look
    records = caplog.get_records("call")
    assert [record for record in records if record.name.startswith("aiokafka")]
    look("\n".join(record.getMessage() for record in records))


async def test_relay_and_reader_need_no_more_than_their_rights(
    log: KafkaLog, secure: LocalCluster, nothing_told: Callable[[str], None]
) -> None:
    """The relay writes as its own user; the router reads as its own, and buries what strangers sent."""
    key = key_number(11)
    await log.append(numbered(key, range(3)))
    async with log.relay(kafka=secure.access("relay").for_aiokafka()) as relay:
        assert await relay.run_once() == 3
    async with log.producer() as stranger:
        await stranger.send_and_wait(PREFIX + CASE_EVENTS, b"from elsewhere", partition=0)
    router, buried = secure.access("router").for_aiokafka(), asyncio.Event()
    async with (
        dead_letters(router, buried.set) as letters,
        reading(router, log.log_id, [CASE_EVENTS], prefix=PREFIX, foreign=letters) as at,
    ):
        assert await log.consumer(at, copy_to_output).run_once() == 3
        await buried.wait()
    assert [record.value for record in await log.stored(OUTPUT)] == [b"0", b"1", b"2"]


def _wrong_password(access: Access) -> dict[str, Any]:
    return replace(access, password=WRONG).for_aiokafka()


def _no_trust(access: Access) -> dict[str, Any]:
    return access.for_aiokafka() | {"ssl_context": ssl.create_default_context()}


@pytest.mark.parametrize(
    ("user", "wrong", "code", "named"),
    [
        ("relay", _wrong_password, "kafka-refuses", "relay"),
        ("relay", _no_trust, "kafka-refuses", "certificate"),
        ("portal", Access.for_aiokafka, "kafka-not-granted", "portal"),
    ],
    ids=["password", "authority", "grant"],
)
async def test_a_relay_that_may_not_write_says_why(
    log: KafkaLog, secure: LocalCluster, nothing_told: Callable[[str], None],
    user: str, wrong: Callable[[Access], dict[str, Any]], code: str, named: str,
) -> None:  # fmt: skip
    """It names the user or what is wrong and the remedy, in bounded time, and nobody's position moves."""
    await log.append(numbered(key_number(11), [0]))
    sender = Sender(wrong(secure.access(user)), prefix=PREFIX)
    with pytest.raises(KafkaRefuses) as refused:
        await sender(await log.stored())
    assert (refused.value.code, named in str(refused.value), bool(refused.value.remedy)) == (code, True, True)
    nothing_told(f"{refused.value!r} {refused.value} {refused.value.remedy} {refused.value.__cause__}")
    async with log.relay(kafka=wrong(secure.access(user))) as relay:
        with pytest.raises(KafkaRefuses):
            await relay.run_once()
    assert await log.store.pool.fetchval("select max(applied_offset) from runtime.positions") == -1


@pytest.mark.parametrize(
    ("wrong", "topic", "code"),
    [
        (_wrong_password, CASE_EVENTS, "kafka-refuses"),
        (_no_trust, CASE_EVENTS, "kafka-refuses"),
        (Access.for_aiokafka, "delivery-events", "kafka-not-granted"),
        (Access.for_aiokafka, DECISIONS, "kafka-not-granted"),
    ],
    ids=["password", "authority", "unseen", "write only"],
)
async def test_a_reader_that_may_not_read_says_why(
    log: KafkaLog, secure: LocalCluster, nothing_told: Callable[[str], None],
    wrong: Callable[[Access], dict[str, Any]], topic: str, code: str,
) -> None:  # fmt: skip
    """It does not begin to read, in bounded time, and says what is wrong and what to do."""
    await log.append([NewRecord(topic, key_number(11), b"")])
    async with log.relay(kafka=secure.access("relay").for_aiokafka()) as relay:
        await relay.run_once()
    with pytest.raises(KafkaRefuses) as refused:
        async with reading(wrong(secure.access("router")), log.log_id, [topic], prefix=PREFIX) as at:
            await at.heads(topic)
    assert (refused.value.code, bool(refused.value.remedy)) == (code, True)
    nothing_told(f"{refused.value!r} {refused.value} {refused.value.remedy}")


def test_the_relay_may_write_everywhere_and_read_nowhere() -> None:
    """Its grants are for every topic that there is, and to write alone."""
    grants = relay_acls()
    assert {acl.name for acl in grants} == set(TOPICS)
    assert not [acl for acl in grants if acl.operation.name == "READ"]

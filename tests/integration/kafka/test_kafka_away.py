"""Brokers that go away and come back: what was appended meanwhile arrives, and who reads goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.kafka.cluster import LocalCluster
from services.relay.bootstrap import NAME as RELAY
from services.relay.send import Sender
from services.runtime.log import StoredRecord
from services.runtime.log.kafka import NoKafka
from services.runtime.store import UnitOfWork
from services.runtime.wake import Wake
from tests.conformance.log.harness import OUTPUT, TOPIC, copy_to_output, key_number, numbered
from tests.support.kafka_log import KafkaLog, kafka_log
from tests.support.postgres import FreshDatabase

KEY = key_number(11)


@pytest.fixture(scope="module")
def _one_broker(
    kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
    with LocalCluster(tmp_path_factory.mktemp("away"), jars=kafka_jars) as started:
        yield started
        started.kill()


@pytest.fixture
def cluster(_one_broker: LocalCluster) -> LocalCluster:
    """One broker of these tests' own, to stop and start; up again before each."""
    _one_broker.heal()
    return _one_broker


@pytest.fixture
async def log(fresh_database: FreshDatabase, cluster: LocalCluster) -> AsyncIterator[KafkaLog]:
    async with kafka_log(fresh_database, cluster.access()) as opened:
        yield opened


class Watched:
    """Tells how often the relay's sending failed, and which producers it used."""

    def __init__(self, sender: Sender) -> None:
        self.sender, self.failed = sender, asyncio.Event()
        self.producers: list[Any] = []

    async def __call__(self, records: Sequence[StoredRecord]) -> None:
        try:
            await self.sender(records)
        except NoKafka:
            self.failed.set()
            raise
        self.producers.append(self.sender._producer)


async def test_relay_and_reader_outlive_their_broker(
    log: KafkaLog, cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed under both and started again, the broker gets all that was appended meanwhile, through a new producer
    and from the stored position; the reader that stood there applies each record once, in order."""
    monkeypatch.setattr("services.relay.send.SEND_SECONDS", 2.0)  # as long as it waits for answers
    watched: list[Watched] = []

    def watch(sender: Sender) -> Watched:
        watched.append(Watched(sender))
        return watched[0]

    seen: dict[int, asyncio.Event] = {0: asyncio.Event(), 5: asyncio.Event()}

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        await copy_to_output(work, records)
        for record in records:
            seen.get(int(record.value), asyncio.Event()).set()

    stop, wake = asyncio.Event(), Wake()
    async with log.relay(faults=watch) as relay, log.reading() as at, asyncio.TaskGroup() as group:
        group.create_task(relay.run(stop))
        group.create_task(at.follow(stop, wake, [TOPIC]))
        group.create_task(log.consumer(at, step, wake=wake).run(stop))
        await log.append(numbered(KEY, [0]))
        await seen[0].wait()
        await asyncio.to_thread(cluster.kill)
        await log.append(numbered(KEY, range(1, 4)))
        await watched[0].failed.wait()
        await log.append(numbered(KEY, [4]))
        await asyncio.to_thread(cluster.restart, 1)
        await log.append(numbered(KEY, [5]))
        await seen[5].wait()
        stop.set()
    assert [int(record.value) for record in await log.stored(OUTPUT)] == list(range(6))
    assert len(set(map(id, watched[0].producers))) >= 2
    position = await log.store.pool.fetchval(
        "select max(applied_offset) from runtime.positions where consumer = $1 and topic = $2", RELAY, TOPIC
    )
    assert position == 5


async def test_a_broker_that_is_gone_is_said_at_once(log: KafkaLog, cluster: LocalCluster) -> None:
    """Who starts to read or to send without a broker is told so, and the position stays."""
    await log.append(numbered(KEY, [0]))
    await asyncio.to_thread(cluster.kill)
    with pytest.raises(NoKafka) as refused:
        async with log.reading():
            pytest.fail("read from nobody")
    assert refused.value.remedy
    with pytest.raises(NoKafka):
        await log.carry()
    assert (
        await log.store.pool.fetchval(
            "select max(applied_offset) from runtime.positions where consumer = $1", RELAY
        )
        == -1
    )

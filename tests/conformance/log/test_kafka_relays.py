"""Relays that are stopped, overtaken or that lose a batch: the topic may hold copies, no consumer notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from deploy.kafka.access import Access
from services.relay.bootstrap import NAME as RELAY
from services.relay.send import Sender
from services.runtime.failures import GapError
from services.runtime.lease import LEASE_SECONDS
from services.runtime.log import StoredRecord
from services.runtime.log.kafka import NoKafka
from tests.conformance.log.harness import OUTPUT, copy_to_output, key_number, numbered
from tests.support.kafka_log import KafkaLog, kafka_log
from tests.support.postgres import FreshDatabase

KEY = key_number(11)


@pytest.fixture
async def log(fresh_database: FreshDatabase, kafka: Access) -> AsyncIterator[KafkaLog]:
    async with kafka_log(fresh_database, kafka) as opened:
        yield opened


async def applied(log: KafkaLog) -> list[int]:
    return [int(record.value) for record in await log.stored(OUTPUT)]


@dataclass
class Paused:
    """Stands for SIGSTOP: of its first batch it has sent so many records when it stops, until it is resumed."""

    sender: Sender
    after_records: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    resumed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, records: Sequence[StoredRecord]) -> None:
        await self.sender(records[: self.after_records])
        if not self.resumed.is_set():
            self.reached.set()
            await self.resumed.wait()
        await self.sender(records[self.after_records :])


@pytest.mark.parametrize("after_records", [0, 3, 6])
async def test_a_relay_that_was_stopped_while_it_sent_harms_nobody(log: KafkaLog, after_records: int) -> None:
    """Another takes over and goes on; what the first sends late are copies, and its late position is refused."""
    await log.append(numbered(KEY, range(6)))
    pauses: list[Paused] = []

    def paused(sender: Sender) -> Paused:
        pauses.append(Paused(sender, after_records))
        return pauses[0]

    async with (
        log.relay("stopped", paused) as stopped,
        log.relay("successor") as successor,
        log.reading() as at,
    ):
        consumer = log.consumer(at, copy_to_output)
        late = asyncio.create_task(stopped.run_once())
        await pauses[0].reached.wait()
        log.clock.advance(LEASE_SECONDS)
        await log.append(numbered(KEY, range(6, 9)))
        assert await successor.run_once() == 9
        assert await consumer.run_once() == 9
        pauses[0].resumed.set()
        assert await late == 0
        owners = await log.store.pool.fetch(
            "select distinct owner from runtime.leases where consumer = $1", RELAY
        )
        assert [row["owner"] for row in owners] == ["successor"]
        await log.append(numbered(KEY, [9]))
        assert (await stopped.run_once(), await successor.run_once()) == (0, 1 + len(await applied(log)))
        assert await consumer.run_once() == 1
    assert await applied(log) == list(range(10))
    assert len(await log.raw()) == 10 + 6


@dataclass
class LosesTheFirst:
    """Its first batch reaches the brokers without its first half, and the relay hears of a failure."""

    sender: Sender
    told: list[str] = field(default_factory=list)
    meanwhile: asyncio.Event = field(default_factory=asyncio.Event)
    seen: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, records: Sequence[StoredRecord]) -> None:
        if not self.told:
            self.told.append("lost")
            await self.sender(records[len(records) // 2 :])
            self.meanwhile.set()
            await self.seen.wait()
            raise NoKafka("a batch of several was lost")
        await self.sender(records)


async def test_a_lost_batch_is_waited_for(log: KafkaLog) -> None:
    """While the first batch is missing, later ones are not applied; sent again, each counts once and in order."""
    await log.append(numbered(KEY, range(8)))
    lossy: list[LosesTheFirst] = []

    def loses(sender: Sender) -> LosesTheFirst:
        lossy.append(LosesTheFirst(sender))
        return lossy[0]

    alarms: list[Exception] = []
    async with log.relay(faults=loses) as relay, log.reading() as at:
        consumer = log.consumer(at, copy_to_output, alarm=alarms.append)
        sending = asyncio.create_task(relay.run_once())
        await lossy[0].meanwhile.wait()
        with pytest.raises(GapError):
            await consumer.run_once()
        assert await applied(log) == []
        lossy[0].seen.set()
        assert await sending == 8
        assert await consumer.run_once() == 8
    assert {type(alarm) for alarm in alarms} == {GapError}
    assert await applied(log) == list(range(8))
    assert len(await log.raw()) == 4 + 8


@pytest.mark.parametrize(
    "order",
    [[2, 3, 0, 1, 2, 3, 4], [0, 2, 4, 1, 3, 0], [4, 3, 2, 1, 0], [0, 0, 1, 1, 0, 2, 3, 3, 4]],
    ids=["resent", "interleaved", "backwards", "copies"],
)
async def test_any_order_on_the_topic_is_the_logs_order(log: KafkaLog, order: list[int]) -> None:
    """However records stand on Kafka, whole from the first on they are applied once and in order, also by a
    reader that comes later."""
    await log.append(numbered(KEY, range(5)))
    stored = await log.stored()
    async with log.reading() as at:
        await log.send([stored[number] for number in order])
        assert await log.consumer(at, copy_to_output).run_once() == 5
    async with log.reading() as later:
        assert await log.consumer(later, copy_to_output, name="ledger").run_once() == 5
    assert await applied(log) == [*range(5), *range(5)]


async def test_what_the_window_no_longer_holds_is_searched(
    log: KafkaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consumer far behind the newest records gets every one, though copies and holes lie between."""
    monkeypatch.setattr("services.runtime.log.kafka.WINDOW_RECORDS", 4)
    monkeypatch.setattr("services.runtime.log.kafka_search.RECORDS_MAX", 8)
    await log.append(numbered(KEY, range(60)))
    stored = await log.stored()
    await log.send([*stored[10:30], *stored[:20], *stored[5:60]])
    async with log.reading() as at:
        assert await log.consumer(at, copy_to_output, batch_max=7).run_once() == 60
        places = [(stored[0].position.partition, offset) for offset in (59, 3, 31)]
        assert sorted(record.value for record in await at.read_at("case-events", places)) == [
            b"3",
            b"31",
            b"59",
        ]
    assert await applied(log) == list(range(60))

"""The contract of the log over Kafka: appended to PostgreSQL, carried by the relay, read from the brokers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from contracts.topics import TOPICS
from deploy.kafka.access import Access
from deploy.kafka.topics import ensure_topics
from services.relay import bootstrap
from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop, Prepare, Step
from services.runtime.lease import PostgresLeases
from services.runtime.log import LogReader, NewRecord, StoredRecord
from services.runtime.log.kafka import reading
from services.runtime.log.postgres import append
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.consumer_contract import ConsumerContract, LeaseContract
from tests.conformance.log.harness import Backend
from tests.conformance.log.log_contract import LogContract
from tests.conformance.log.parking_contract import ParkingContract
from tests.conformance.log.replay_contract import ReplayContract
from tests.support.kafka_log import NAMES, SHARED
from tests.support.postgres import FreshDatabase


@dataclass
class Relayed:
    """A reader before which the relay has always just run: what is committed is on Kafka when it is asked for."""

    inner: LogReader
    relay: ConsumerLoop

    async def log_id(self) -> UUID:
        return await self.inner.log_id()

    async def head(self, topic: str, partition: int) -> int:
        await self.relay.run_once()
        return await self.inner.head(topic, partition)

    async def heads(self, topic: str) -> Mapping[int, int]:
        await self.relay.run_once()
        return await self.inner.heads(topic)

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        await self.heads(topic)
        return await self.inner.read(topic, partition, after_offset, limit)

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        await self.heads(topic)  # a reader of Kafka knows what it was told of, as a consumer asks it
        return await self.inner.read_many(topic, after_offsets, limit_each)

    async def read_at(self, topic: str, places: Collection[tuple[int, int]]) -> Sequence[StoredRecord]:
        await self.relay.run_once()
        return await self.inner.read_at(topic, places)


@pytest.fixture
async def backend(fresh_database: FreshDatabase, kafka: Access) -> AsyncIterator[Backend]:
    """A database of its own over topics that every test shares: a log's id tells its records from the others'."""
    clock, wake = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Wake()
    store = await PostgresStore.connect(fresh_database.dsn, clock, wake)
    leases = PostgresLeases(store.pool)
    await ensure_topics(kafka, [TOPICS[name] for name in NAMES], prefix=SHARED)

    def consume(name: str, topics: Sequence[str], step: Step, prepare: Prepare) -> ConsumerLoop:
        return ConsumerLoop(name, topics, step, store=store, leases=leases, log=store.log, clock=clock, wake=Wake(),
                            owner="relay", prepare=prepare)  # fmt: skip

    async def append_slowly(records: Sequence[NewRecord], round_trips: int) -> None:
        async with store.pool.acquire() as connection, connection.transaction():
            await append(connection, records, clock.now(), notify=False)
            for _ in range(round_trips):
                await connection.fetchval("select 1")

    said = kafka.for_aiokafka()
    relay, sender = bootstrap.bootstrap(kafka=said, prefix=SHARED, consume=consume, topics=NAMES)
    async with reading(said, await store.log.log_id(), NAMES, prefix=SHARED) as reader:
        yield Backend(store, Relayed(reader, relay), leases, clock, wake, append_slowly)
    await sender.close()
    await store.close()


class TestKafkaLog(LogContract):
    """Appending in PostgreSQL and reading from Kafka."""


class TestKafkaConsumer(ConsumerContract):
    """Consuming from Kafka."""


class TestKafkaLeases(LeaseContract):
    """Leases stay in PostgreSQL."""


class TestKafkaParking(ParkingContract):
    """Parking what came from Kafka."""


class TestKafkaReplay(ReplayContract):
    """Reading again from Kafka."""

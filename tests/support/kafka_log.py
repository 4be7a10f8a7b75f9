"""A log of its own over topics that many tests share: a log's id tells its records from the others'."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.topics import TOPICS
from deploy.kafka.topics import ensure_topics
from services.relay import bootstrap
from services.relay.send import Sender
from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop, Prepare, Step
from services.runtime.lease import PostgresLeases
from services.runtime.log import NewRecord, StoredRecord
from services.runtime.log.kafka import Foreign, KafkaLogReader, ignore, reading
from services.runtime.log.kafka_records import LOG_ID, to_kafka
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.harness import NAME, OUTPUT, TOPIC

if TYPE_CHECKING:
    from deploy.kafka.access import Access
    from tests.support.postgres import FreshDatabase

SHARED = "log-contract-"
NAMES = (TOPIC, f"{TOPIC}-dlq", OUTPUT)


@dataclass
class KafkaLog:
    """One database's log and the way to its topics."""

    store: PostgresStore
    leases: PostgresLeases
    clock: ManualClock
    kafka: Mapping[str, Any]
    log_id: UUID
    prefix: str

    async def append(self, records: Sequence[NewRecord]) -> None:
        async with self.store.unit_of_work() as work:
            for record in records:
                work.emit(record)

    async def stored(self, topic: str = TOPIC) -> list[StoredRecord]:
        """What the table holds, in order by partition."""
        heads = await self.store.log.heads(topic)
        return list(await self.store.log.read_many(topic, dict.fromkeys(heads, -1), 100_000))

    @asynccontextmanager
    async def relay(
        self,
        owner: str = "relay",
        faults: Callable[[Sender], Prepare] = lambda sender: sender,
        *,
        kafka: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> AsyncIterator[ConsumerLoop]:
        """A relay, as its process has it; ``faults`` puts something between it and its sender."""

        def consume(name: str, topics: Sequence[str], step: Step, prepare: Prepare) -> ConsumerLoop:
            assert isinstance(prepare, Sender)
            return ConsumerLoop(name, topics, step, store=self.store, leases=self.leases, log=self.store.log,
                                clock=self.clock, wake=self.store.wake, owner=owner, prepare=faults(prepare),
                                **options)  # fmt: skip

        loop, sender = bootstrap.bootstrap(
            kafka=kafka or self.kafka, prefix=self.prefix, consume=consume, topics=NAMES
        )
        try:
            yield loop
        finally:
            await sender.close()

    async def carry(self) -> None:
        """Relay all that waits."""
        async with self.relay() as relay:
            await relay.run_once()

    def reading(self, foreign: Foreign = ignore) -> Any:
        return reading(self.kafka, self.log_id, NAMES, prefix=self.prefix, foreign=foreign)

    def consumer(self, reader: KafkaLogReader, step: Step, **options: Any) -> ConsumerLoop:
        """A consumer of what is on Kafka."""
        said: dict[str, Any] = {"owner": "first", "name": NAME, "wake": Wake()} | options
        return ConsumerLoop(said.pop("name"), [TOPIC], step, store=self.store, leases=self.leases, log=reader,
                            clock=self.clock, **said)  # fmt: skip

    async def send(self, records: Sequence[StoredRecord]) -> None:
        """Put records on the topics in this order, as a relay would."""
        async with self.producer() as producer:
            for record in records:
                out = to_kafka(record, self.prefix)
                await producer.send_and_wait(
                    out.topic, out.value, out.key, out.partition, out.timestamp_ms, list(out.headers)
                )

    def producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(**self.kafka, acks="all")

    async def raw(self, topic: str = TOPIC) -> list[Any]:
        """Every record of ours on a topic as Kafka has it, copies among them."""
        said = str(self.log_id).encode()
        return [record for record in await self.raw_all(topic) if dict(record.headers).get(LOG_ID) == said]

    async def raw_all(self, topic: str = TOPIC) -> list[Any]:
        """Every record on a topic, whoever sent it."""
        found: list[Any] = []
        consumer = AIOKafkaConsumer(**self.kafka, auto_offset_reset="earliest", fetch_max_wait_ms=10)
        places = [TopicPartition(self.prefix + topic, partition) for partition in range(12)]
        consumer.assign(places)
        async with consumer:
            ends = await consumer.end_offsets(places)
            while any([await consumer.position(at) < end for at, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    found += records
        return found


@asynccontextmanager
async def kafka_log(
    database: FreshDatabase, access: Access, *, prefix: str = SHARED, clock: ManualClock | None = None
) -> AsyncIterator[KafkaLog]:
    """A log over a database of its own and topics that exist."""
    used = clock or ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    store = await PostgresStore.connect(database.dsn, used, Wake())
    try:
        await ensure_topics(access, [TOPICS[name] for name in NAMES], prefix=prefix)
        log_id = await store.log.log_id()
        yield KafkaLog(store, PostgresLeases(store.pool), used, access.for_aiokafka(), log_id, prefix)
    finally:
        await store.close()


async def eventually(holds: Callable[[], Any]) -> None:
    """Give others their turn until it holds; the test's own time limit ends what never does."""
    while not holds():
        await asyncio.sleep(0.01)

"""The log as Kafka holds it: what the relay of one log sent there, read back by position.

Consumers ``assign`` and ``seek``; who may apply what is decided by leases in the consumer's own database. Copies
and reorderings are expected (a relay that fails sends again) and are put right here, by the place in the headers.
A record's Kafka offset is never smaller than its own, so that is where the search for it begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.errors import TryLater
from services.runtime.failures import NotOurs
from services.runtime.log.kafka_records import from_kafka
from services.runtime.log.kafka_window import Window
from services.runtime.log.port import PARTITIONS, StoredRecord
from services.runtime.wake import Wake

WINDOW_RECORDS: Final = 1024
_FETCH_MS: Final = 500
_SILENT_SECONDS: Final = 30.0
"""How long brokers may give nothing of what they say they have."""

Foreign = Callable[[Any], Awaitable[None]]
"""Told of each record on one of our topics that no relay of ours sent: aiokafka's ``ConsumerRecord``."""


class NoKafka(TryLater):
    """The brokers do not answer."""

    default_code = "no-kafka"


async def ignore(record: Any) -> None:
    """Pass over what is not ours."""


class KafkaLogReader:
    """See :class:`services.runtime.log.port.LogReader`. Made by :func:`reading`."""

    def __init__(
        self, log_id: UUID, newest: AIOKafkaConsumer, older: AIOKafkaConsumer, prefix: str, foreign: Foreign
    ) -> None:
        self._log_id = log_id
        self._newest, self._older = newest, older
        self._prefix, self._foreign = prefix, foreign
        self._windows: dict[TopicPartition, Window] = {}
        self._scanning, self._searching = asyncio.Lock(), asyncio.Lock()

    async def log_id(self) -> UUID:
        return self._log_id

    async def head(self, topic: str, partition: int) -> int:
        return (await self.heads(topic)).get(partition, -1)

    async def heads(self, topic: str) -> Mapping[int, int]:
        places = self._places(topic)
        await self._scan(places)
        found = {at.partition: self._windows[at].head for at in places}
        return {partition: head for partition, head in found.items() if head >= 0}

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        return await self.read_many(topic, {partition: after_offset}, limit)

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        wanted = {self._place(topic, partition): after for partition, after in sorted(after_offsets.items())}
        at_the_end = [at for at, after in wanted.items() if after >= self._windows[at].head]
        if at_the_end:  # something may have come since we looked
            await self._scan(at_the_end)
        found: list[StoredRecord] = []
        for at, after_offset in wanted.items():
            found += await self._behind(at, after_offset, limit_each)
        return found

    async def read_at(self, topic: str, places: Collection[tuple[int, int]]) -> Sequence[StoredRecord]:
        found: list[StoredRecord] = []
        for partition, offset in sorted(set(places)):
            records = await self.read(topic, partition, offset - 1, 1)
            found += [record for record in records if record.position.offset == offset]
        return found

    async def follow(self, stop: asyncio.Event, wake: Wake, topics: Collection[str]) -> None:
        """Signal ``topics`` as brokers get records for them, until ``stop``; a line that is down is tried again."""
        ended = asyncio.ensure_future(stop.wait())
        try:
            while not ended.done():
                places = [at for topic in topics for at in self._places(topic)]
                try:
                    came = await self._take(places, wait_ms=_FETCH_MS)
                except NoKafka:
                    await asyncio.wait([ended], timeout=1.0)
                    continue
                wake.signal({at.topic.removeprefix(self._prefix) for at in came})
        finally:
            ended.cancel()

    def _place(self, topic: str, partition: int) -> TopicPartition:
        return TopicPartition(self._prefix + topic, partition)

    def _places(self, topic: str) -> list[TopicPartition]:
        return [self._place(topic, partition) for partition in range(PARTITIONS)]

    async def begin(self, topics: Collection[str]) -> None:
        """Stand before the newest records of ``topics``: enough of them to know each partition's head."""
        places = [at for topic in topics for at in self._places(topic)]
        with _as_ours():
            self._newest.assign(places)
            firsts = await self._newest.beginning_offsets(places)
            ends = await self._newest.end_offsets(places)
            for at in places:
                self._windows[at] = Window(WINDOW_RECORDS)
                self._newest.seek(at, max(firsts[at], ends[at] - WINDOW_RECORDS))

    async def _scan(self, places: Sequence[TopicPartition]) -> None:
        """Take in everything that the brokers have of these partitions now."""
        with _as_ours():
            ends = await self._newest.end_offsets(places)
        await self._until(lambda: self._short_of(self._newest, ends), self._take)

    async def _take(self, places: Sequence[TopicPartition], *, wait_ms: int = _FETCH_MS) -> set[TopicPartition]:
        async with self._scanning:
            with _as_ours():
                batches = await self._newest.getmany(*places, timeout_ms=wait_ms)
        for at, records in batches.items():
            for record in records:
                if (ours := await self._ours(at, record, self._foreign)) is not None:
                    self._windows[at].add(ours)
        return {at for at, records in batches.items() if records}

    async def _behind(self, at: TopicPartition, after_offset: int, limit: int) -> list[StoredRecord]:
        window = self._windows[at]
        found = window.run(after_offset, limit)
        if found or after_offset >= window.head:
            return found
        searched = await self._search(at, after_offset, limit)
        return searched.run(after_offset, limit) or searched.behind(after_offset, limit)

    async def _search(self, at: TopicPartition, after_offset: int, limit: int) -> Window:
        """Read from where the record behind ``after_offset`` can be at the earliest, until its run is whole."""
        found = Window(4 * limit)
        async with self._searching:
            with _as_ours():
                self._older.assign([at])
                first = (await self._older.beginning_offsets([at]))[at]
                ends = await self._older.end_offsets([at])
                self._older.seek(at, max(first, after_offset + 1))

            async def take(places: Sequence[TopicPartition]) -> set[TopicPartition]:
                with _as_ours():
                    batches = await self._older.getmany(*places, timeout_ms=_FETCH_MS)
                for record in batches.get(at, ()):
                    ours = await self._ours(at, record, ignore)
                    if ours is not None and after_offset < ours.position.offset <= after_offset + 4 * limit:
                        found.add(ours)
                return set(batches)

            async def missing() -> list[TopicPartition]:
                whole = len(found.run(after_offset, limit)) == limit
                return [] if whole else await self._short_of(self._older, ends)

            await self._until(missing, take)
        return found

    async def _short_of(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> list[TopicPartition]:
        with _as_ours():
            return [at for at, end in ends.items() if await consumer.position(at) < end]

    async def _until(
        self,
        missing: Callable[[], Awaitable[list[TopicPartition]]],
        take: Callable[[Sequence[TopicPartition]], Awaitable[set[TopicPartition]]],
    ) -> None:
        """Take from what is missing until nothing is.

        Raises:
            NoKafka: nothing came for a while.
        """
        silent = 0.0
        while places := await missing():
            silent = 0.0 if await take(places) else silent + _FETCH_MS / 1000
            if silent >= _SILENT_SECONDS:
                raise NoKafka("Kafka gives nothing of what it says it has", remedy="Look at the brokers.")

    async def _ours(self, at: TopicPartition, record: Any, foreign: Foreign) -> StoredRecord | None:
        try:
            ours = from_kafka(
                at.topic.removeprefix(self._prefix), at.partition, record.key, record.value, record.headers
            )
        except NotOurs:
            await foreign(record)
            return None
        return ours if ours.position.log_id == self._log_id else None


@asynccontextmanager
async def reading(
    kafka: Mapping[str, Any], log_id: UUID, topics: Collection[str], *, prefix: str = "", foreign: Foreign = ignore
) -> AsyncIterator[KafkaLogReader]:
    """A reader of one log's records on Kafka, for the length of a block.

    Args:
        kafka: how to reach it, in aiokafka's words.
        log_id: the log whose records are meant; records of another one are passed over.
        topics: which it may read, by their names in the log.
        prefix: what stands before those names on the brokers.

    Raises:
        NoKafka: nobody answers.
    """
    options = {**kafka, "enable_auto_commit": False, "group_id": None, "auto_offset_reset": "earliest"}
    newest, older = AIOKafkaConsumer(**options), AIOKafkaConsumer(**options)
    reader = KafkaLogReader(log_id, newest, older, prefix, foreign)
    try:
        with _as_ours():
            await newest.start()
            await older.start()
        await reader.begin(topics)
        yield reader
    finally:
        await newest.stop()
        await older.stop()


class _as_ours:  # noqa: N801 (reads as a statement)
    """Kafka's failures as one that is tried again."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KafkaError):
            raise NoKafka(
                f"Kafka does not answer ({type(error).__name__})", remedy="Start it, or correct its address."
            ) from None

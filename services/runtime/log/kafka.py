"""Logs as Kafka holds them: what the relay of each database sent there, read back by position.

Consumers ``assign`` and ``seek``; who may apply what is decided by leases in the consumer's own database. Copies
and reorderings are expected (a relay that fails sends again) and are put right here, by the place in the headers.
Several databases' logs share a topic; each is read as if it were alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.failures import NotOurs
from services.runtime.log import kafka_search
from services.runtime.log.kafka_failures import ASK_SECONDS, KafkaRefuses, NoKafka, asking, start, stop
from services.runtime.log.kafka_records import from_kafka
from services.runtime.log.kafka_search import Search
from services.runtime.log.kafka_take import take
from services.runtime.log.kafka_window import Window
from services.runtime.log.port import PARTITIONS, StoredRecord
from services.runtime.wake import Wake

__all__ = [
    "Foreign", "KafkaLogReader", "KafkaLogs", "KafkaRefuses", "NoKafka", "Source", "ignore", "reading", "reading_logs",
]  # fmt: skip

WINDOW_RECORDS: Final = 1_024
WINDOW_BYTES: Final = 2_000_000
_FETCH_MS: Final = 500
_LINE_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)

Foreign = Callable[[Any], None]
"""Told of each record on one of our topics that no relay of ours sent: aiokafka's ``ConsumerRecord``."""


def ignore(record: Any) -> None:
    """Pass over what is not ours."""


@dataclass(frozen=True, slots=True)
class Source:
    """One log that is followed.

    Args:
        speaks_in: by topic, the partitions where it may have said something before we looked; None: in any. Where
            it never spoke, nobody need look back for its newest record.
    """

    log_id: UUID
    speaks_in: Mapping[str, Collection[int]] | None = None

    def may_speak(self, topic: str, partition: int) -> bool:
        """Whether an older record of this log may stand there."""
        return self.speaks_in is None or partition in self.speaks_in.get(topic, ())


class KafkaLogs:
    """The newest records of several logs by partition, and a search for older ones. Made by :func:`reading_logs`.

    Args:
        newest: a consumer of its own, started.
        kafka: how it was reached.
        partitions: those that are fetched.
    """

    def __init__(
        self,
        newest: AIOKafkaConsumer,
        older: AIOKafkaConsumer,
        kafka: Mapping[str, Any],
        prefix: str,
        foreign: Foreign,
        partitions: Collection[int] = range(PARTITIONS),
    ) -> None:
        self._newest, self._kafka = newest, kafka
        self.search = Search(older, kafka, lambda at, record: self._placed(at, record, ignore))
        self._prefix, self._foreign = prefix, foreign
        self._partitions = sorted(partitions)
        self._sources: dict[UUID, Source] = {}
        self._windows: dict[tuple[UUID, TopicPartition], Window] = {}
        self._taking = asyncio.Lock()

    def of(self, log_id: UUID) -> KafkaLogReader:
        """One of the logs that are followed."""
        return KafkaLogReader(log_id, self)

    async def begin(self, topics: Collection[str], sources: Sequence[Source]) -> None:
        """Stand before the newest records of ``topics``: enough of them to know each partition's head."""
        places = [at for topic in topics for at in self.places(topic)]
        await self.search.begin(places)
        self._newest.assign(places)
        await self._look_back(sources, places)

    async def add(self, source: Source) -> None:
        """Follow one more log, as if it had been followed from the start.

        Raises:
            NoKafka: nobody answers; it is not followed.
        """
        if source.log_id in self._sources:
            return
        try:
            await self._look_back([source], sorted(self._newest.assignment()))
        except BaseException:
            del self._sources[source.log_id]
            raise

    async def _look_back(self, sources: Sequence[Source], places: Sequence[TopicPartition]) -> None:
        self._sources |= {source.log_id: source for source in sources}  # a take under way finds them
        firsts, ends = await self.search.firsts(places), await self.search.ends(places)
        depth, blind = WINDOW_RECORDS, list(places)
        while blind:
            async with self._taking:
                for at in blind:
                    self._newest.seek(at, max(firsts[at], ends[at] - depth))
            await self.scan(places)
            # Another log's records, or a stranger's, may be all that the newest are.
            blind = [
                at for at in blind if ends[at] - depth > firsts[at] and any(self._is_blind(s, at) for s in sources)
            ]  # fmt: skip
            depth *= 4

    def _is_blind(self, source: Source, at: TopicPartition) -> bool:
        topic = at.topic.removeprefix(self._prefix)
        return self.window(source.log_id, at).head < 0 and source.may_speak(topic, at.partition)

    async def follow(self, stop: asyncio.Event, wake: Wake, topics: Collection[str]) -> None:
        """Signal ``topics`` as brokers get records for them, until ``stop``; a line that is down is tried again."""
        ended = asyncio.ensure_future(stop.wait())
        names = {self._prefix + topic: topic for topic in topics}
        try:
            while not ended.done():
                try:
                    came = await self._take(_FETCH_MS)
                except (NoKafka, KafkaRefuses) as error:
                    _log.warning("kafka_retries", code=error.code)
                    await asyncio.wait([ended], timeout=_LINE_SECONDS)
                    continue
                wake.signal({names[at.topic] for at in came if at.topic in names})
        finally:
            ended.cancel()

    def place(self, topic: str, partition: int) -> TopicPartition:
        """Where a partition of the log stands on Kafka."""
        return TopicPartition(self._prefix + topic, partition)

    def places(self, topic: str) -> list[TopicPartition]:
        """The partitions of a topic that are fetched."""
        return [self.place(topic, partition) for partition in self._partitions]

    def window(self, log_id: UUID, at: TopicPartition) -> Window:
        """The newest records of one log in one partition, as far as they were fetched."""
        key = (log_id, at)
        if key not in self._windows:
            self._windows[key] = Window(WINDOW_RECORDS, WINDOW_BYTES)
        return self._windows[key]

    async def scan(self, places: Sequence[TopicPartition]) -> None:
        """Take in everything that the brokers have of these partitions now.

        Raises:
            NoKafka: they give nothing of what they say they have.
        """
        ends = await self.search.ends(places)
        silent = 0.0
        while await self._short_of(ends):
            async with self._taking:
                came = await self._take_now(_FETCH_MS) if await self._short_of(ends) else True
            silent = 0.0 if came else silent + _FETCH_MS / 1000
            if silent >= ASK_SECONDS:
                raise NoKafka("Kafka gives nothing of what it says it has", remedy="Look at the brokers.")

    async def _short_of(self, ends: Mapping[TopicPartition, int]) -> bool:
        with asking(self._kafka):
            return any([await self._newest.position(at) < end for at, end in ends.items()])

    async def _take(self, wait_ms: int) -> set[TopicPartition]:
        async with self._taking:
            return await self._take_now(wait_ms)

    async def _take_now(self, wait_ms: int) -> set[TopicPartition]:
        """Take whatever came, of all partitions: one whose records lie about holds the others' next fetch up."""
        with asking(self._kafka):
            batches = await take(self._newest, wait_ms=wait_ms)
        for at, records in batches.items():  # no await in here: the position has moved past these already
            for record in records:
                ours = self._placed(at, record, self._foreign)
                if ours is not None and ours.position.log_id in self._sources:
                    self.window(ours.position.log_id, at).add(ours)
        return {at for at, records in batches.items() if records}

    def _placed(self, at: TopicPartition, record: Any, foreign: Foreign) -> StoredRecord | None:
        """The record of some log that a record of Kafka's is; None where no relay sent it."""
        topic = at.topic.removeprefix(self._prefix)
        try:
            return from_kafka(topic, at.partition, record.key, record.value, record.headers)
        except NotOurs:
            foreign(record)
            return None


class KafkaLogReader:
    """One log of several: see :class:`services.runtime.log.port.LogReader`. Records of the others are passed over."""

    def __init__(self, log_id: UUID, logs: KafkaLogs) -> None:
        self._log_id, self.logs = log_id, logs

    async def log_id(self) -> UUID:
        return self._log_id

    async def head(self, topic: str, partition: int) -> int:
        return (await self.heads(topic)).get(partition, -1)

    async def heads(self, topic: str) -> Mapping[int, int]:
        places = self.logs.places(topic)
        await self.logs.scan(places)
        found = {at.partition: self.logs.window(self._log_id, at).head for at in places}
        return {partition: head for partition, head in found.items() if head >= 0}

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        return await self.read_many(topic, {partition: after_offset}, limit)

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        wanted = {
            self.logs.place(topic, partition): after for partition, after in sorted(after_offsets.items())
        }
        at_the_end = [at for at, after in wanted.items() if after >= self.logs.window(self._log_id, at).head]
        if at_the_end:  # something may have come since we looked
            await self.logs.scan(at_the_end)
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
        """See :meth:`KafkaLogs.follow`."""
        await self.logs.follow(stop, wake, topics)

    async def _behind(self, at: TopicPartition, after_offset: int, limit: int) -> list[StoredRecord]:
        window = self.logs.window(self._log_id, at)
        found = window.run(after_offset, limit)
        if found or after_offset >= window.head:
            return found
        return await self.logs.search.behind(self._log_id, at, after_offset, limit)


@asynccontextmanager
async def reading_logs(
    kafka: Mapping[str, Any],
    sources: Sequence[Source],
    topics: Collection[str],
    *,
    prefix: str = "",
    foreign: Foreign = ignore,
    partitions: Collection[int] = range(PARTITIONS),
) -> AsyncIterator[KafkaLogs]:
    """Several logs' records on Kafka, for the length of a block.

    Args:
        kafka: how to reach it, in aiokafka's words.
        sources: the logs whose records are meant; records of other ones are passed over.
        topics: which it may read, by their names in the log.
        prefix: what stands before those names on the brokers.
        foreign: told of what is not ours.
        partitions: those that are read.

    Raises:
        NoKafka: nobody answers.
        KafkaRefuses: this user may not.
    """
    options = {
        **kafka, "enable_auto_commit": False, "group_id": None, "auto_offset_reset": "earliest",
        "request_timeout_ms": round(ASK_SECONDS * 1000),
    }  # fmt: skip
    newest = AIOKafkaConsumer(**options, fetch_max_wait_ms=_FETCH_MS)
    await start(newest, kafka)
    try:
        older = AIOKafkaConsumer(**options, fetch_max_wait_ms=kafka_search.FETCH_MS)
        await start(older, kafka)
        try:
            logs = KafkaLogs(newest, older, kafka, prefix, foreign, partitions)
            await logs.begin(topics, sources)
            yield logs
        finally:
            await stop(older)
    finally:
        await stop(newest)


@asynccontextmanager
async def reading(
    kafka: Mapping[str, Any],
    log_id: UUID,
    topics: Collection[str],
    *,
    prefix: str = "",
    foreign: Foreign = ignore,
) -> AsyncIterator[KafkaLogReader]:
    """One log alone; otherwise as :func:`reading_logs`."""
    async with reading_logs(kafka, [Source(log_id)], topics, prefix=prefix, foreign=foreign) as logs:
        yield logs.of(log_id)

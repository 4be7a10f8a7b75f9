"""The log as Kafka holds it: what the relay of one log sent there, read back by position.

Consumers ``assign`` and ``seek``; who may apply what is decided by leases in the consumer's own database. Copies
and reorderings are expected (a relay that fails sends again) and are put right here, by the place in the headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
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

__all__ = ["Foreign", "KafkaLogReader", "KafkaRefuses", "NoKafka", "ignore", "reading"]

WINDOW_RECORDS: Final = 1_024
WINDOW_BYTES: Final = 2_000_000
_FETCH_MS: Final = 500
_LINE_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)

Foreign = Callable[[Any], None]
"""Told of each record on one of our topics that no relay of ours sent: aiokafka's ``ConsumerRecord``."""


def ignore(record: Any) -> None:
    """Pass over what is not ours."""


class KafkaLogReader:
    """See :class:`services.runtime.log.port.LogReader`. Made by :func:`reading`.

    Args:
        newest, older: two consumers of its own, started.
        kafka: how they were reached.
    """

    def __init__(
        self,
        log_id: UUID,
        newest: AIOKafkaConsumer,
        older: AIOKafkaConsumer,
        kafka: Mapping[str, Any],
        prefix: str,
        foreign: Foreign,
    ) -> None:
        self._log_id, self._kafka = log_id, kafka
        self._newest = newest
        self._search = Search(older, kafka, lambda at, record: self._ours(at, record, ignore))
        self._prefix, self._foreign = prefix, foreign
        self._windows: dict[TopicPartition, Window] = {}
        self._taking = asyncio.Lock()

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

    def _place(self, topic: str, partition: int) -> TopicPartition:
        return TopicPartition(self._prefix + topic, partition)

    def _places(self, topic: str) -> list[TopicPartition]:
        return [self._place(topic, partition) for partition in range(PARTITIONS)]

    async def begin(self, topics: Collection[str]) -> None:
        """Stand before the newest records of ``topics``: enough of them to know each partition's head."""
        places = [at for topic in topics for at in self._places(topic)]
        await self._search.begin(places)
        firsts, ends = await self._search.firsts(places), await self._search.ends(places)
        self._newest.assign(places)
        for at in places:
            self._windows[at] = Window(WINDOW_RECORDS, WINDOW_BYTES)
        depth, blind = WINDOW_RECORDS, places
        while blind:
            for at in blind:
                self._newest.seek(at, max(firsts[at], ends[at] - depth))
            await self._scan(places)
            # Another log's records, or a stranger's, may be all that the newest are.
            blind = [at for at in blind if self._windows[at].head < 0 and ends[at] - depth > firsts[at]]
            depth *= 4

    async def _scan(self, places: Sequence[TopicPartition]) -> None:
        """Take in everything that the brokers have of these partitions now.

        Raises:
            NoKafka: they give nothing of what they say they have.
        """
        ends = await self._search.ends(places)
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
                if (ours := self._ours(at, record, self._foreign)) is not None:
                    self._windows[at].add(ours)
        return {at for at, records in batches.items() if records}

    async def _behind(self, at: TopicPartition, after_offset: int, limit: int) -> list[StoredRecord]:
        window = self._windows[at]
        found = window.run(after_offset, limit)
        if found or after_offset >= window.head:
            return found
        return await self._search.behind(at, after_offset, limit)

    def _ours(self, at: TopicPartition, record: Any, foreign: Foreign) -> StoredRecord | None:
        topic = at.topic.removeprefix(self._prefix)
        try:
            ours = from_kafka(topic, at.partition, record.key, record.value, record.headers)
        except NotOurs:
            foreign(record)
            return None
        return ours if ours.position.log_id == self._log_id else None


@asynccontextmanager
async def reading(
    kafka: Mapping[str, Any],
    log_id: UUID,
    topics: Collection[str],
    *,
    prefix: str = "",
    foreign: Foreign = ignore,
) -> AsyncIterator[KafkaLogReader]:
    """A reader of one log's records on Kafka, for the length of a block.

    Args:
        kafka: how to reach it, in aiokafka's words.
        log_id: the log whose records are meant; records of another one are passed over.
        topics: which it may read, by their names in the log.
        prefix: what stands before those names on the brokers.
        foreign: told of what is not ours.

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
            reader = KafkaLogReader(log_id, newest, older, kafka, prefix, foreign)
            await reader.begin(topics)
            yield reader
        finally:
            await stop(older)
    finally:
        await stop(newest)

"""Finds on Kafka what is older than the newest records, and asks where partitions begin and end.

A connection of its own: a broker answers one question of a connection after the other, and the reader of the newest
records waits on its own for what is not there yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from services.runtime.log.kafka_failures import ASK_SECONDS, NoKafka, asking
from services.runtime.log.kafka_take import take
from services.runtime.log.kafka_window import OLDEST, Window
from services.runtime.log.port import StoredRecord

FETCH_MS: Final = 10
"""How long a broker waits for more at a partition's end: nobody waits there for what may come."""
RECORDS_MAX: Final = 2_048
BYTES_MAX: Final = 4_000_000
_TAKE_MAX: Final = 1_000

Ours = Callable[[TopicPartition, Any], StoredRecord | None]


class Search:
    """Looks for records by our offset through ``consumer``, which is its own.

    A record's Kafka offset is never smaller than ours, so that is where a search begins. Whoever reads on from
    where the last search of a partition ended goes on from there.

    Args:
        ours: the record of a log that a record of Kafka's is, if it is one.
    """

    def __init__(self, consumer: AIOKafkaConsumer, kafka: Mapping[str, Any], ours: Ours) -> None:
        self._consumer, self._kafka, self._ours = consumer, kafka, ours
        self._found: dict[tuple[UUID, TopicPartition], tuple[int, Window]] = {}
        self._one = asyncio.Lock()

    async def begin(self, places: Sequence[TopicPartition]) -> None:
        """Be ready to search these; nothing is fetched of a partition that is not searched.

        Raises:
            KafkaRefuses: a topic of these must not be known to this user; the client would ask for it again and again.
        """
        self._consumer.assign(places)
        with asking(self._kafka):
            async with asyncio.timeout(ASK_SECONDS):
                client = self._consumer._client  # it knows, and tells nobody
                await client.force_metadata_update()
            if client.cluster.unauthorized_topics & {at.topic for at in places}:
                raise TopicAuthorizationFailedError()
        for at in places:
            self._consumer.seek(at, 0)
        self._consumer.pause(*places)

    async def firsts(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Kafka's offset of the oldest record that is kept."""
        return await self._asked(self._consumer.beginning_offsets, places)

    async def ends(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Kafka's offset that the next record will have."""
        return await self._asked(self._consumer.end_offsets, places)

    async def _asked(self, question: Any, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        with asking(self._kafka):
            async with asyncio.timeout(ASK_SECONDS):
                answer: dict[TopicPartition, int] = await question(places)
        return answer

    async def behind(
        self, log_id: UUID, at: TopicPartition, after_offset: int, limit: int
    ) -> list[StoredRecord]:
        """A log's run behind ``after_offset``; where its first record is nowhere, what is there behind the hole.

        Raises:
            NoKafka: nothing came for a while.
        """
        async with self._one:
            reached, found = self._found.pop((log_id, at), (-1, _nothing()))
            run = found.run(after_offset, limit)
            if not run and reached == after_offset and found.is_whole:
                found.forget(after_offset)
                run = await self._gather(log_id, at, found, after_offset, limit)
            if not run:
                found = _nothing()
                first = (await self.firsts([at]))[at]
                self._consumer.seek(at, max(first, after_offset + 1))
                run = await self._gather(log_id, at, found, after_offset, limit)
            if run:
                self._found[log_id, at] = (run[-1].position.offset, found)
            return run or found.behind(after_offset, limit)

    async def _gather(
        self, log_id: UUID, at: TopicPartition, found: Window, after_offset: int, limit: int
    ) -> list[StoredRecord]:
        """Take records until the run behind ``after_offset`` is whole or the partition ends; returns the run."""
        end = (await self.ends([at]))[at]
        self._consumer.resume(at)
        try:
            with asking(self._kafka):
                while len(found.run(after_offset, limit)) < limit and await self._consumer.position(at) < end:
                    await self._take(log_id, at, found, after_offset)
        finally:
            self._consumer.pause(at)
        return found.run(after_offset, limit)

    async def _take(self, log_id: UUID, at: TopicPartition, found: Window, after_offset: int) -> None:
        batches = await take(self._consumer, at, wait_ms=round(ASK_SECONDS * 1000), records_max=_TAKE_MAX)
        if not batches:
            raise NoKafka("Kafka gives nothing of what it says it has", remedy="Look at the brokers.")
        for record in batches.get(at, ()):
            ours = self._ours(at, record)
            if ours is None or ours.position.log_id != log_id:
                continue
            if ours.position.offset > after_offset:
                found.add(ours)


def _nothing() -> Window:
    # What follows the place is what is wanted: many later records must not push it out.
    return Window(RECORDS_MAX, BYTES_MAX, OLDEST)

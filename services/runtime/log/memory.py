"""The log in memory: the same offsets, order and limits as in PostgreSQL, gone with the process."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.runtime.log.port import LogPosition, NewRecord, StoredRecord, partition_of


class MemoryLog:
    """See :class:`services.runtime.log.port.LogReader`."""

    def __init__(self, log_id: UUID) -> None:
        self._log_id = log_id
        self._records: dict[tuple[str, int], list[StoredRecord]] = {}

    async def log_id(self) -> UUID:
        return self._log_id

    async def head(self, topic: str, partition: int) -> int:
        return len(self._records.get((topic, partition), ())) - 1

    async def heads(self, topic: str) -> Mapping[int, int]:
        return {place[1]: len(held) - 1 for place, held in self._records.items() if place[0] == topic}

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        return self._records.get((topic, partition), [])[after_offset + 1 :][:limit]

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        found: list[StoredRecord] = []
        for partition, after_offset in sorted(after_offsets.items()):
            found += await self.read(topic, partition, after_offset, limit_each)
        return found

    async def read_at(self, topic: str, places: Collection[tuple[int, int]]) -> Sequence[StoredRecord]:
        return [
            self._records[topic, partition][offset]
            for partition, offset in set(places)
            if 0 <= offset <= await self.head(topic, partition)
        ]

    def append(self, records: Sequence[NewRecord], appended_at: datetime) -> list[LogPosition]:
        """Append all at once; nobody can look in between, because nothing here awaits."""
        return [self._append(record, appended_at) for record in records]

    def _append(self, record: NewRecord, appended_at: datetime) -> LogPosition:
        partition = partition_of(record.key)
        held = self._records.setdefault((record.topic, partition), [])
        position = LogPosition(self._log_id, record.topic, partition, len(held))
        held.append(StoredRecord(position, record.key, record.value, dict(record.headers), appended_at))
        return position

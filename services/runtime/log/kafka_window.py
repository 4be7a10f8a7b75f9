"""The newest records of one partition as Kafka gave them: copies dropped, holes left open. Pure."""

from __future__ import annotations

from services.runtime.log.port import StoredRecord


class Window:
    """Up to ``limit`` records by our offset. The first copy of a record is the record."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._records: dict[int, StoredRecord] = {}
        self.head = -1

    def add(self, record: StoredRecord) -> None:
        """Take one in; the lowest falls out when there are too many."""
        offset = record.position.offset
        self.head = max(self.head, offset)
        self._records.setdefault(offset, record)
        if len(self._records) > self._limit:
            del self._records[min(self._records)]

    def run(self, after_offset: int, limit: int) -> list[StoredRecord]:
        """The unbroken run behind ``after_offset``; empty where its first record is not here."""
        found = []
        for offset in range(after_offset + 1, after_offset + 1 + limit):
            record = self._records.get(offset)
            if record is None:
                break
            found.append(record)
        return found

    def behind(self, after_offset: int, limit: int) -> list[StoredRecord]:
        """What is here behind ``after_offset``, in order, holes and all."""
        return [self._records[offset] for offset in sorted(self._records) if offset > after_offset][:limit]

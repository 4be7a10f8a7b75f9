"""The newest records of one partition as Kafka gave them: copies dropped, holes left open. Pure."""

from __future__ import annotations

from heapq import heappop, heappush

from services.runtime.log.port import StoredRecord


class Window:
    """Records by our offset, up to ``limit`` of them and ``limit_bytes``. The first copy of a record is the record."""

    def __init__(self, limit: int, limit_bytes: int) -> None:
        self._limit, self._limit_bytes = limit, limit_bytes
        self._records: dict[int, StoredRecord] = {}
        self._lowest: list[int] = []
        self._bytes = 0
        self.head = -1

    def add(self, record: StoredRecord) -> None:
        """Take one in; the lowest fall out when there are too many."""
        offset = record.position.offset
        self.head = max(self.head, offset)
        if offset in self._records:
            return
        self._records[offset] = record
        heappush(self._lowest, offset)
        self._bytes += len(record.value)
        while len(self._records) > self._limit or (
            self._bytes > self._limit_bytes and len(self._records) > 1
        ):
            self._bytes -= len(self._records.pop(heappop(self._lowest)).value)

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

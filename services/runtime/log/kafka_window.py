"""Records of one partition as Kafka gave them: copies dropped, holes left open. Pure."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Final

from services.runtime.log.port import StoredRecord

NEWEST: Final = 1
OLDEST: Final = -1


class Window:
    """Records by our offset, up to ``limit`` of them and ``limit_bytes``. The first copy of a record is the record.

    Args:
        keep: which stay when there are too many, ``NEWEST`` or ``OLDEST``.
    """

    def __init__(self, limit: int, limit_bytes: int, keep: int = NEWEST) -> None:
        self._limit, self._limit_bytes, self._keep = limit, limit_bytes, keep
        self._records: dict[int, StoredRecord] = {}
        self._first_out: list[int] = []
        self._bytes = 0
        self.head = -1
        self.is_whole = True  # nothing fell out

    def add(self, record: StoredRecord) -> None:
        """Take one in; one falls out when there are too many, which may be the same."""
        offset = record.position.offset
        self.head = max(self.head, offset)
        if offset in self._records:
            return
        self._records[offset] = record
        heappush(self._first_out, offset * self._keep)
        self._bytes += len(record.value)
        while len(self._records) > self._limit or (
            self._bytes > self._limit_bytes and len(self._records) > 1
        ):
            self._bytes -= len(self._records.pop(heappop(self._first_out) * self._keep).value)
            self.is_whole = False

    def forget(self, up_to_offset: int) -> None:
        """Let go of what nobody reads again."""
        self._records = {offset: r for offset, r in self._records.items() if offset > up_to_offset}
        self._first_out = [offset * self._keep for offset in self._records]
        heapify(self._first_out)
        self._bytes = sum(len(record.value) for record in self._records.values())

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

"""What a log is, whatever holds it.

A topic has 12 partitions. A record's partition follows from its key, so one case's records keep their order.
Within a partition offsets are dense: 0, 1, 2 and so on, with no gap at any moment a reader can observe.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from contracts.errors import InvalidInput
from services.runtime.log.murmur2 import murmur2, positive

PARTITIONS = 12
MAX_RECORD_BYTES = 1_000_000
"""Largest value plus headers; Kafka's default ``message.max.bytes`` is 1,048,588 with framing."""

_AS_JSON = msgspec.json.Encoder().encode  # spells an id in C
NO_HEADERS: Mapping[str, bytes] = {}


class RecordTooLarge(InvalidInput):
    """A record is larger than any backend of the log takes."""

    default_code = "record-too-large"
    http_status = 413


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """Where a record stands; the log id changes after a restore, so no old position means a new record."""

    log_id: UUID
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be appended."""

    topic: str
    key: UUID
    value: bytes = field(repr=False)
    headers: Mapping[str, bytes] = field(default_factory=lambda: NO_HEADERS, repr=False)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as every reader sees it. ``appended_at`` is aware UTC, from the appender's clock."""

    position: LogPosition
    key: UUID
    value: bytes = field(repr=False)
    headers: Mapping[str, bytes] = field(repr=False)
    appended_at: datetime


class LogReader(Protocol):
    """Reads; appending happens only in a unit of work."""

    async def log_id(self) -> UUID:
        """The id of this log since its creation or last restore."""
        ...

    async def head(self, topic: str, partition: int) -> int:
        """Offset of the newest record, -1 while there is none."""
        ...

    async def heads(self, topic: str) -> Mapping[int, int]:
        """Offset of the newest record by partition; partitions that never had one are absent."""
        ...

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        """At most ``limit`` committed records behind ``after_offset`` (-1: from the start), in order."""
        ...

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        """As :meth:`read` for several partitions at once; ordered by partition, then offset."""
        ...

    async def read_at(self, topic: str, places: Collection[tuple[int, int]]) -> Sequence[StoredRecord]:
        """The records at these (partition, offset); what is not there is left out. In no order."""
        ...


def partition_of(key: UUID) -> int:
    """The partition of a key: Kafka's murmur2 over the 36 ASCII characters of the id, modulo 12."""
    return positive(murmur2(_AS_JSON(key)[1:-1])) % PARTITIONS


def check_size(record: NewRecord) -> None:
    """Refuse what Kafka would refuse, in every backend.

    Raises:
        RecordTooLarge: value and headers together exceed :data:`MAX_RECORD_BYTES`.
    """
    size = len(record.value) + sum(len(name) + len(value) for name, value in record.headers.items())
    if size > MAX_RECORD_BYTES:
        raise RecordTooLarge(
            f"A record of {size} bytes is larger than the log's limit of {MAX_RECORD_BYTES} bytes.",
            remedy="Send large documents as references, not inside the event.",
        )

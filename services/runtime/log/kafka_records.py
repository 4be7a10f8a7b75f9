"""How a record of the log looks on Kafka, and back. Pure.

Key and value are the log's own, byte for byte; the partition is ours, and equals what Kafka's own partitioner
makes of the key. Where the record stands travels in headers, because Kafka's offsets are not ours: a relay that
sends again after a failure leaves copies. ``ce_sequence`` is CloudEvents' sequence extension.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from services.runtime.failures import NotOurs
from services.runtime.log.port import LogPosition, StoredRecord

RELAY: Final = "relay"
"""The consumer that carries the log to Kafka: its position says what is there."""
LOG_ID: Final = "sampan_logid"
SEQUENCE: Final = "ce_sequence"
RECORDED: Final = "ce_recordedtime"
PLACE_HEADERS: Final = frozenset({LOG_ID, SEQUENCE, RECORDED})
_DIGITS: Final = 20  # sorts as text, as the extension asks


@dataclass(frozen=True, slots=True)
class OnKafka:
    """What a producer is given for one record."""

    topic: str
    partition: int
    key: bytes
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    timestamp_ms: int


def to_kafka(record: StoredRecord, prefix: str = "") -> OnKafka:
    """A stored record as it is sent. ``prefix`` stands before the topic's name."""
    at = record.position
    place = {
        LOG_ID: str(at.log_id).encode(),
        SEQUENCE: f"{at.offset:0{_DIGITS}d}".encode(),
        RECORDED: record.appended_at.astimezone(UTC).isoformat().encode(),
    }
    headers = {name: value for name, value in record.headers.items() if name not in PLACE_HEADERS} | place
    return OnKafka(
        prefix + at.topic, at.partition, str(record.key).encode(), record.value, tuple(headers.items()),
        round(record.appended_at.timestamp() * 1000),
    )  # fmt: skip


def from_kafka(
    topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]
) -> StoredRecord:
    """A record of the log from what Kafka gives. ``topic`` is the log's name, without a prefix.

    Raises:
        NotOurs: no key, value or place that a relay of ours would have written.
    """
    pairs = tuple(headers)
    said = dict(pairs)
    try:
        log_id = _id(said.pop(LOG_ID))
        offset = _sequence(said.pop(SEQUENCE))
        recorded = datetime.fromisoformat(said.pop(RECORDED).decode())
        record_key = _id(key)
    except (AttributeError, KeyError, ValueError):
        raise NotOurs("a record without a place in our log") from None
    is_ours = len(pairs) == len(said) + len(PLACE_HEADERS) and None not in said.values()
    if value is None or recorded.tzinfo is None or not is_ours:
        raise NotOurs("a record without a place in our log")
    return StoredRecord(LogPosition(log_id, topic, partition, offset), record_key, value, said, recorded)


def _id(text: bytes | None) -> UUID:
    found = UUID((text or b"").decode("ascii"))
    if str(found).encode() != text:
        raise ValueError("an id is spelt in one way")
    return found


def _sequence(text: bytes) -> int:
    if len(text) != _DIGITS or not text.isdigit():
        raise ValueError("a sequence is twenty digits")
    return int(text)

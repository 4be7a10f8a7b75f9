"""Takes records from a consumer past those that the client library cannot read.

aiokafka (0.14) raises on a header name that is not UTF-8 and on a compression that it was not given, at the same
record again and again, and what it had already taken for that call from other partitions is lost. Whoever may write
to a topic could end its reading with one such record. No relay of ours writes one: it stays where it is.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnsupportedCodecError

from services.runtime.log.kafka_failures import ASK_SECONDS

_UNREADABLE: Final = (UnicodeDecodeError, UnsupportedCodecError)
_SINGLY_MAX: Final = 1_000
_log = structlog.get_logger(__name__)

Batches = dict[TopicPartition, list[Any]]


async def take(
    consumer: AIOKafkaConsumer, *places: TopicPartition, wait_ms: int, records_max: int | None = None
) -> Batches:
    """What came by partition, of ``places`` or of all; empty if nothing came in time.

    Raises:
        KafkaError: as the consumer does; no position has moved past what was not returned.
    """
    watched = places or tuple(consumer.assignment())
    before = {at: await consumer.position(at) for at in watched}
    try:
        found: Batches = await consumer.getmany(*places, timeout_ms=wait_ms, max_records=records_max)
    except _UNREADABLE:
        for at, offset in before.items():
            consumer.seek(at, offset)
        return {at: await _singly(consumer, at, offset) for at, offset in before.items()}
    return found


async def _singly(consumer: AIOKafkaConsumer, at: TopicPartition, offset: int) -> list[Any]:
    """Records of one partition up to the first that cannot be read, which is passed over."""
    found: list[Any] = []
    while offset < (consumer.highwater(at) or 0) and len(found) < _SINGLY_MAX:
        try:
            batches = await consumer.getmany(at, timeout_ms=round(ASK_SECONDS * 1000), max_records=1)
        except _UNREADABLE:
            _log.warning("record_unreadable", topic=at.topic, partition=at.partition, kafka_offset=offset)
            consumer.seek(at, offset + 1)
            break
        if not batches:
            break
        found += batches[at]
        offset = await consumer.position(at)
    return found

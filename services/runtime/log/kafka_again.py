"""One record of Kafka looked at once more, at the place where it was found not to be ours."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.errors import NotFound
from services.runtime.failures import NotOurs
from services.runtime.log.kafka_failures import ASK_SECONDS, asking, start, stop
from services.runtime.log.kafka_records import from_kafka


async def is_ours_now(kafka: Mapping[str, Any], place: tuple[str, int, int], prefix: str) -> bool:
    """Whether today's reading takes the record at (topic, partition, offset of Kafka) for one of a log of ours.

    Raises:
        NotFound: ``not-kept``; the topic no longer has it.
        NoKafka, KafkaRefuses: as every reading.
    """
    topic, partition, _ = place
    record = await _record(kafka, place)
    try:
        from_kafka(topic.removeprefix(prefix), partition, record.key, record.value, record.headers)
    except NotOurs:
        return False
    return True


async def _record(kafka: Mapping[str, Any], place: tuple[str, int, int]) -> Any:
    topic, partition, offset = place
    at = TopicPartition(topic, partition)
    consumer = AIOKafkaConsumer(**kafka, enable_auto_commit=False, group_id=None, auto_offset_reset="earliest")
    await start(consumer, kafka)
    try:
        with asking(kafka):
            async with asyncio.timeout(ASK_SECONDS):
                consumer.assign([at])
                first, end = (await consumer.beginning_offsets([at]))[at], (await consumer.end_offsets([at]))[at]
                if not first <= offset < end:
                    raise _not_kept()
                consumer.seek(at, offset)
                record = await consumer.getone(at)
    finally:
        await stop(consumer)
    if record.offset != offset:
        raise _not_kept()
    return record


def _not_kept() -> NotFound:
    return NotFound("the topic no longer has that record", code="not-kept", field="LETTER",
                    remedy="Drop it with a reason.")  # fmt: skip

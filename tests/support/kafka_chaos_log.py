"""Holds the log on Kafka against the log table, once a run is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import TOPICS
from deploy.kafka.access import Access
from services.runtime.log import PARTITIONS, LogReader, StoredRecord
from services.runtime.log.kafka import reading
from services.runtime.log.kafka_records import from_kafka

_PAGE: Final = 500
Place = tuple[str, int, int]


@dataclass
class LogComparison:
    """What differs, as sentences; how many records there are, and how many copies beside them."""

    differences: list[str] = field(default_factory=list)
    records: int = 0
    copies: int = 0


async def compare_logs(access: Access, prefix: str, table: LogReader) -> LogComparison:
    """The log on Kafka, read from the start by our reader and by a plain consumer, against the table."""
    found = LogComparison()
    places: set[Place] = set()
    async with reading(access.for_aiokafka(), await table.log_id(), list(TOPICS), prefix=prefix) as kafka:
        for topic in TOPICS:
            wanted, came = await _everything(table, topic), await _everything(kafka, topic)
            found.records += len(wanted)
            places |= {_place(record) for record in wanted}
            if came != wanted:
                found.differences.append(f"{topic}: {_difference(wanted, came)}")
    sent = await _sent(access, prefix)
    found.copies = sent.total() - len(sent)
    if set(sent) != places:
        found.differences.append(
            f"Kafka lacks {len(places - set(sent))} records and has {len(set(sent) - places)} of its own"
        )
    return found


async def _everything(log: LogReader, topic: str) -> list[StoredRecord]:
    records: list[StoredRecord] = []
    for partition, head in sorted((await log.heads(topic)).items()):
        after = -1
        while after < head and (page := await log.read(topic, partition, after, _PAGE)):
            records += page
            after = page[-1].position.offset
    return records


def _difference(wanted: Sequence[StoredRecord], came: Sequence[StoredRecord]) -> str:
    for mine, theirs in zip(wanted, came, strict=False):
        if mine != theirs:
            return f"{_place(mine)} in the table, {_place(theirs)} on Kafka, or their contents differ"
    return f"{len(wanted)} records in the table, {len(came)} on Kafka"


def _place(record: StoredRecord) -> Place:
    return record.position.topic, record.position.partition, record.position.offset


async def _sent(access: Access, prefix: str) -> Counter[Place]:
    """How often each record of the log lies on Kafka, counted without our reader."""
    consumer: Any = AIOKafkaConsumer(**access.for_aiokafka(), auto_offset_reset="earliest", group_id=None)
    async with consumer:
        places = [TopicPartition(prefix + topic, number) for topic in TOPICS for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        sent: Counter[Place] = Counter()
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            for at, records in (await consumer.getmany(timeout_ms=1000)).items():
                topic = at.topic.removeprefix(prefix)
                sent.update(
                    _place(from_kafka(topic, at.partition, r.key, r.value, r.headers)) for r in records
                )
        return sent

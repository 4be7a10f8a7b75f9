"""What Kafka is told about a topic, written from its data in ``contracts/topics/*.yaml``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from contracts.durations import parse_duration
from contracts.errors import SetupProblem
from contracts.topics import Topic

KAFKA_DEFAULT_MAX_BYTES: Final = (
    1_048_588  # message.max.bytes, https://kafka.apache.org/documentation/#brokerconfigs
)
_FRAME_BYTES: Final = 65_536  # headers, key and batch frame around a value of max_bytes
_HOUR_MS: Final = 3_600_000
_HOURS: Final = {"h": 1, "d": 24, "mo": 31 * 24, "y": 366 * 24}  # rounded up: retention never cuts short


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """One topic as a cluster must have it. ``settings`` are topic configurations by Kafka's names."""

    name: str
    partitions: int
    replicas: int
    settings: Mapping[str, str]


def plan_topic(topic: Topic, *, replicas: int, prefix: str = "") -> TopicPlan:
    """The plan of one topic on a cluster that keeps ``replicas`` of each partition.

    Raises:
        SetupProblem: ``bad-retention``.
    """
    return TopicPlan(
        prefix + topic.topic,
        topic.partitions,
        replicas,
        {
            "cleanup.policy": "delete",
            "retention.ms": str(retention_ms(topic)),
            "retention.bytes": "-1",  # never by size: a busy night must not push out what nobody has read
            "min.insync.replicas": "2" if replicas >= 3 else "1",
            "unclean.leader.election.enable": "false",
            "message.timestamp.type": "CreateTime",  # the row's own time, so that a replay sees what was seen
            # A limit for batches, not for one record (that bound is kept at append), so never below the default;
            # a dead-letter topic holds whatever came, and its headers beside it.
            "max.message.bytes": str(max(KAFKA_DEFAULT_MAX_BYTES, topic.max_bytes + _FRAME_BYTES)),
        },
    )


def retention_ms(topic: Topic) -> int:
    """``retention`` in milliseconds; -1 is forever.

    Raises:
        SetupProblem: ``bad-retention``.
    """
    if topic.retention == "forever":
        return -1
    duration = parse_duration(topic.retention, f"{topic.topic}: retention")
    if duration.unit not in _HOURS:
        raise SetupProblem(
            f"The topic {topic.topic} cannot be kept for {topic.retention}",
            code="bad-retention",
            remedy="Write forever, or hours, days, months or years: 90d.",
        )
    return duration.amount * _HOURS[duration.unit] * _HOUR_MS

"""Topics as data: who writes, who reads, which records, how long they stay. One YAML file per topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from contracts.errors import InvalidInput
from contracts.schema_ids import schema_id
from contracts.topic_names import CASE_EVENTS, DECISIONS, DELIVERY_EVENTS, DISPATCHES, GOVERNANCE
from contracts.yaml_text import LocatedDict, load_yaml

__all__ = [
    "CASE_EVENTS",
    "DECISIONS",
    "DELIVERY_EVENTS",
    "DISPATCHES",
    "GOVERNANCE",
    "SCHEMA_ID_DECISION_RECORD",
    "SCHEMA_ID_DELIVERY_EVENT",
    "SCHEMA_ID_DISPATCH_RECORD",
    "SCHEMA_ID_RUNNING_EVENT",
    "SCHEMA_ID_SEALED_EVENT",
    "TOPICS",
    "Topic",
    "load_topic",
]

SCHEMA_ID_SEALED_EVENT: Final = schema_id("sealed_event.v1")
SCHEMA_ID_RUNNING_EVENT: Final = schema_id("running_event.v1")
SCHEMA_ID_DISPATCH_RECORD: Final = schema_id("dispatch_record.v1")
SCHEMA_ID_DECISION_RECORD: Final = schema_id("decision_record.v1")
SCHEMA_ID_DELIVERY_EVENT: Final = schema_id("delivery_event.v1")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    ``producers`` and ``consumers`` are folders of ``services/``; ``values`` schemas of the lock;
    ``retention`` is ``forever`` or a duration; ``max_bytes`` bounds one record's value;
    ``reserved`` means that nothing is written to it yet.
    """

    topic: str
    about: str
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    values: tuple[str, ...]
    key: str
    partitions: int
    retention: str
    max_bytes: int
    why: str
    examples: tuple[str, ...]
    reserved: bool = False


def load_topic(text: str, file: str) -> Topic:
    """Read one topic's file.

    Raises:
        InvalidInput: a key that is missing or unknown; names ``file:line``.
    """
    row: LocatedDict = load_yaml(text, file)
    known = {field.name for field in fields(Topic)}
    for key in row:
        if key not in known:
            raise InvalidInput(f"unknown key {key}", code="bad-topic", field=row.where(key),
                               remedy="Known: " + ", ".join(sorted(known)) + ".")  # fmt: skip
    missing = sorted(known - {"reserved"} - set(row))
    if missing:
        raise InvalidInput(f"{missing[0]} is missing", code="bad-topic", field=row.where(),
                           remedy="Every topic says it.")  # fmt: skip
    stated: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    return Topic(**stated)


TOPICS: Final[Mapping[str, Topic]] = MappingProxyType(
    {
        topic.topic: topic
        for path in sorted(Path(__file__).parent.glob("*.yaml"))
        for topic in [load_topic(path.read_text(encoding="utf-8"), path.name)]
    }
)
"""All topics by name, dead-letter topics among them."""

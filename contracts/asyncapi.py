"""The AsyncAPI 3.0 document, written from topics and schemas: what a partner who integrates by Kafka reads.

Values are in Confluent framing (a zero byte, the schema id, Avro); headers are those of the CloudEvents 1.0
binary binding. Source: AsyncAPI 3.0.0; CloudEvents Kafka protocol binding 1.0.2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from contracts.partner_topics import PARTNER_TOPIC
from contracts.schema_ids import FOLDER
from contracts.topics import TOPICS, Topic

AVRO: Final = "application/vnd.apache.avro+json;version=1.12.0"
HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "Id of the record; the same on every resend."},
        "ce_source": {"type": "string", "description": "The instance."},
        "ce_type": {"type": "string", "description": "Neutral: the true event name is sealed."},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"const": "application/vnd.confluent.avro"},
        "ce_sequence": {"type": "string", "description": "Dense per partition and log id; on Kafka."},
        "sampan_logid": {"type": "string", "description": "Of the log that counts the sequence; on Kafka."},
    },
}


def document(schema_ids: Mapping[str, int]) -> dict[str, Any]:
    """The whole document, in plain values; ``schema_ids`` is the lock as it stands on disk."""
    values = sorted({value for topic in (*TOPICS.values(), PARTNER_TOPIC) for value in topic.values})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sampan",
            "version": "1",
            "description": "Regional broker for cross-border case referrals. What tells of a case is sealed.",
        },
        "defaultContentType": "application/octet-stream",
        "channels": {topic.topic: _channel(topic) for topic in TOPICS.values()} | {"partner": _partner()},
        "operations": _operations(),
        "components": {"messages": {value: _message(value, schema_ids[value]) for value in values}},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.topic,
        "description": f"{topic.about} Key: {topic.key}. {topic.why}",
        "messages": {value: {"$ref": f"#/components/messages/{value}"} for value in topic.values},
        "bindings": {
            "kafka": {
                "topic": topic.topic,
                "partitions": topic.partitions,
                "topicConfiguration": {"max.message.bytes": topic.max_bytes},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _partner() -> dict[str, Any]:
    """One agency's own topic; which one is a parameter of its address."""
    said = {"agency_id": {"description": "The agency's id in the directory."}}
    return _channel(PARTNER_TOPIC) | {"parameters": said}


def _operations() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for topic in TOPICS.values():
        for action, rooms in (("send", topic.producers), ("receive", topic.consumers)):
            for room in rooms:
                made[f"{room}-{action}-{topic.topic}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.topic}"},
                    "summary": f"services/{room}",
                }
    return made


def _message(value: str, schema_id: int) -> dict[str, Any]:
    schema = json.loads((FOLDER / f"{value}.avsc").read_text(encoding="utf-8"))
    return {
        "name": value,
        "headers": HEADERS,
        "payload": {"schemaFormat": AVRO, "schema": schema},
        "bindings": {
            "kafka": {
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "bindingVersion": "0.5.0",
            }
        },
        "x-schema-id": schema_id,
    }

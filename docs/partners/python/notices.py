"""Follows an agency's own topic, and opens what it announces over HTTP. One line of JSON an item, on stdout.

    pip install 'confluent-kafka[avro]' httpx
    python notices.py            # until it is stopped; `python notices.py 3` ends after three notices

It is told by the environment:

    SAMPAN_URL              the API, which serves the schemas too
    SAMPAN_TOKEN            the agency's token for it
    SAMPAN_KAFKA            brokers, host:port with commas
    SAMPAN_KAFKA_USER, SAMPAN_KAFKA_PASSWORD, SAMPAN_KAFKA_CA
    SAMPAN_TOPIC            the agency's topic, which is its consumer group's name as well
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import httpx
from confluent_kafka import Consumer, KafkaException, Message
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext


def consumer() -> Consumer:
    """A consumer that says itself what it has dealt with."""
    topic = os.environ["SAMPAN_TOPIC"]
    made = Consumer(
        {
            "bootstrap.servers": os.environ["SAMPAN_KAFKA"],
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": os.environ["SAMPAN_KAFKA_USER"],
            "sasl.password": os.environ["SAMPAN_KAFKA_PASSWORD"],
            "ssl.ca.location": os.environ["SAMPAN_KAFKA_CA"],
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    made.subscribe([topic])
    return made


def place(message: Message) -> tuple[str, int, str]:
    """Where a record stands in Sampan's log. Kafka's own offset differs between a record and its copy."""
    headers = dict(message.headers() or ())
    return headers["sampan_logid"].decode(), message.partition(), headers["ce_sequence"].decode()


def notices(source: Consumer, count: int | None) -> Iterator[tuple[Message, Any]]:
    """Notices as they come, each once; copies are dropped."""
    decode = AvroDeserializer(SchemaRegistryClient({"url": os.environ["SAMPAN_URL"]}))
    seen: set[tuple[str, int, str]] = set()
    while count is None or len(seen) < count:
        message = source.poll(1)
        if message is None:
            continue
        if message.error() is not None:
            raise KafkaException(message.error())
        if (at := place(message)) not in seen:
            seen.add(at)
            yield message, decode(message.value(), SerializationContext(message.topic(), MessageField.VALUE))
        source.commit(
            message, asynchronous=False
        )  # after it was dealt with: a crash repeats it, never loses it


def look(api: httpx.Client, dispatch: str) -> dict[str, Any]:
    """What stands in the inbox now, opened if it may be. A refusal is an answer like any other."""
    item = api.get(f"/v1/inbox/{dispatch}")
    if item.status_code != 200:
        item.raise_for_status()
    envelope = item.json()
    opened = api.post(f"/v1/inbox/{dispatch}/open", json={})
    if opened.status_code == 503:  # come back later: the notice is not dealt with
        opened.raise_for_status()
    found = opened.json()
    outcome = {"groups": found["groups"]} if opened.is_success else {"refused": found["code"]}
    return {"dispatch": dispatch, "event": envelope["event"], "recalled": envelope["recalled"], **outcome}


def main(count: int | None) -> None:
    """Follow the topic until ``count`` notices were dealt with, or for good."""
    token = {"Authorization": f"Bearer {os.environ['SAMPAN_TOKEN']}"}
    source = consumer()
    try:
        with httpx.Client(base_url=os.environ["SAMPAN_URL"], headers=token) as api:
            for _, notice in notices(source, count):
                line = json.dumps(look(api, str(notice["dispatch"])), ensure_ascii=False)
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    finally:
        source.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)

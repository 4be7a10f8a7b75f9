"""Kafka clients that we did not write, as plain functions: what each read, for comparison with the log table.

librdkafka under confluent-kafka, franz-go in the guide's Go program, and Kafka's own consumer on the JVM.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from deploy.kafka.access import Access
from deploy.kafka.java import QUICK_START, class_path, java_program, write_arguments
from services.runtime.log import PARTITIONS

_PATIENCE_SECONDS: Final = 60


@dataclass(frozen=True)
class Heard:
    """A record as a stranger read it; ``value`` is what its Avro library made of the bytes."""

    partition: int
    key: str
    headers: Mapping[str, str]
    value: Any = None


def by_librdkafka(access: Access, registry: str, topic: str, count: int) -> list[Heard]:
    """The first ``count`` records of a topic, decoded by confluent-kafka's ``AvroDeserializer``."""
    consumer = Consumer(access.for_librdkafka() | {"group.id": topic, "enable.auto.commit": False})
    try:
        with SchemaRegistryClient({"url": registry}) as schemas:
            decode = AvroDeserializer(schemas)
            consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
            return [_heard(message, decode) for message in _messages(consumer, count)]
    finally:
        consumer.close()


def _messages(consumer: Consumer, count: int) -> Iterator[Any]:
    for _ in range(count):
        message = consumer.poll(_PATIENCE_SECONDS)
        assert message is not None, "fewer records than the log has"
        assert message.error() is None, message.error()
        yield message


def _heard(message: Any, decode: AvroDeserializer) -> Heard:
    headers = {name: value.decode() for name, value in message.headers()}
    context = SerializationContext(message.topic(), MessageField.VALUE, message.headers())
    return Heard(message.partition(), message.key().decode(), headers, decode(message.value(), context))


def by_franz_go(program: Path, access: Access, registry: str, topic: str, count: int) -> list[Heard]:
    """The same by franz-go, its ``sr`` client and goavro."""
    said = {
        "SAMPAN_KAFKA_USER": access.user or "",
        "SAMPAN_KAFKA_PASSWORD": access.password or "",
        "SAMPAN_KAFKA_CA": str(access.ca_file or ""),
    }
    lines = _run([str(program), access.bootstrap, registry, topic, str(count)], said)
    rows = [json.loads(line) for line in lines]
    return [Heard(row["partition"], row["key"], row["headers"], row["value"]) for row in rows]


def by_java(jars: Sequence[Path], folder: Path, access: Access, topic: str, count: int) -> list[Heard]:
    """The same by Kafka's ``ConsoleConsumer``, which decodes no Avro: partition, headers and key."""
    said = {"print.partition": "true", "print.headers": "true", "print.key": "true", "print.value": "false",
            "headers.separator": "|"}  # fmt: skip
    shown = [part for name, value in said.items() for part in ("--formatter-property", f"{name}={value}")]
    arguments = write_arguments(
        folder / "console.args",
        [*QUICK_START, "-cp", class_path(jars), "org.apache.kafka.tools.consumer.ConsoleConsumer",
         "--bootstrap-server", access.bootstrap, "--topic", topic, "--from-beginning",
         "--max-messages", str(count), "--timeout-ms", str(_PATIENCE_SECONDS * 1000), *shown],
    )  # fmt: skip
    return [_printed(line) for line in _run([str(java_program()), arguments], {})]


def _printed(line: str) -> Heard:
    partition, headers, key = line.split("\t")
    named = dict(part.split(":", 1) for part in headers.split("|"))
    return Heard(int(partition.removeprefix("Partition:")), key, named)


def _run(command: Sequence[str], more: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        command,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE_SECONDS * 2,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()

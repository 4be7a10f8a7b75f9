"""Clients that we did not write read what the relay carried: framing, schemas, keys, partitions, headers."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from contracts.codec import decode
from contracts.records import DecisionRecord, DeliveryEvent, DispatchRecord, RunningEvent
from contracts.schema_ids import locked
from contracts.sealing import unframe
from contracts.sealing.event import decode_event
from contracts.topics import TOPICS
from deploy.kafka.access import Access
from deploy.kafka.topics import ensure_topics
from services.assembly.app import make_app
from services.runtime.log import StoredRecord
from tests.support.carried import WRITTEN, read_all
from tests.support.carrying import carry
from tests.support.real_server import running
from tests.support.services_world import ServicesWorld
from tests.support.strangers import Heard, by_franz_go, by_java, by_librdkafka

pytestmark = pytest.mark.timeout(600)  # the first run on a machine builds the Go program
MODELS: dict[str, type[BaseModel]] = {
    "running_event.v1": RunningEvent,
    "dispatch_record.v1": DispatchRecord,
    "decision_record.v1": DecisionRecord,
    "delivery_event.v1": DeliveryEvent,
}


@dataclass
class Carried:
    """A story on Kafka, what the log table says of it, and where its schemas are served."""

    access: Access
    prefix: str
    registry: str
    log: dict[str, list[StoredRecord]]


@pytest.fixture
async def carried(told: ServicesWorld, kafka: Access, kafka_prefix: str) -> AsyncIterator[Carried]:
    topics = [TOPICS[name] for name in WRITTEN]
    await ensure_topics(kafka, topics, prefix=kafka_prefix)
    log = {name: await read_all(told, name) for name in WRITTEN}
    assert await carry(told, kafka, topics, kafka_prefix) == sum(map(len, log.values()))
    async with running(make_app(told.instance, serve_services=False)) as url:
        yield Carried(kafka, kafka_prefix, url, log)


def same_but_values(heard: list[Heard], log: list[StoredRecord]) -> None:
    """Each record once, under its key, in its partition, with its headers and its place; in order."""
    assert len(heard) == len(log)
    by_partition = defaultdict(list)
    for one in heard:
        by_partition[one.partition].append(one)
    for record in log:
        one = by_partition[record.position.partition].pop(0)
        assert one.key == str(record.key)
        said = {name: value.decode() for name, value in record.headers.items()}
        assert said.items() <= one.headers.items()
        assert int(one.headers["ce_sequence"]) == record.position.offset
        assert one.headers["sampan_logid"] == str(record.position.log_id)


def paired(heard: list[Heard], log: list[StoredRecord]) -> list[tuple[Any, str, bytes]]:
    """(what the stranger made of a value, its schema's name, our bytes)."""
    places = {(one.partition, int(one.headers["ce_sequence"])): one.value for one in heard}
    found = []
    for record in log:
        schema, payload = unframe(record.value)
        place = (record.position.partition, record.position.offset)
        found.append((places[place], locked(schema).name, payload))
    return found


def seen(log: dict[str, list[StoredRecord]]) -> set[str]:
    """The schemas that these records bear."""
    return {locked(unframe(record.value)[0]).name for records in log.values() for record in records}


async def test_confluents_deserializer_reads_every_record(carried: Carried) -> None:
    """With our schema registry and nothing else of ours, librdkafka's readers get every field of every record."""
    assert seen(carried.log) == {"sealed_event.v1", *MODELS}
    for topic, log in carried.log.items():
        heard = await asyncio.to_thread(
            by_librdkafka, carried.access, carried.registry, carried.prefix + topic, len(log)
        )
        same_but_values(heard, log)
        for value, schema, payload in paired(heard, log):
            if schema in MODELS:
                assert MODELS[schema].model_validate(value) == decode(MODELS[schema], payload)
                continue
            event = decode_event(payload)
            assert value["event_id"] == event.header.event_id.bytes
            assert value["occurred_at"] == event.header.occurred_at
            assert [s["ciphertext"] for s in value["slots"]] == [s.ciphertext for s in event.slots]
            assert value["signature"] == event.signature


async def test_a_go_client_reads_every_record(carried: Carried, go_reader: Path) -> None:
    """franz-go, its schema client and goavro agree with the log, ids and counts of each record."""
    for topic, log in carried.log.items():
        heard = await asyncio.to_thread(
            by_franz_go, go_reader, carried.access, carried.registry, carried.prefix + topic, len(log)
        )
        same_but_values(heard, log)
        for value, schema, payload in paired(heard, log):
            if schema in MODELS:
                ours = decode(MODELS[schema], payload).model_dump()
                assert set(value) == set(ours)
                clear = {name for name in ("case_id", "subject_id", "event_id", "kind") if name in ours}
                assert {name: value[name] for name in clear} == {name: str(ours[name]) for name in clear}
                if schema == "decision_record.v1":
                    assert b64decode(value["sealed"]) == ours["sealed"]
            else:
                assert len(value["slots"]) == len(decode_event(payload).slots)
                assert value["signing_key_id"] == decode_event(payload).header.signing_key_id


async def test_kafkas_own_consumer_reads_headers_keys_and_partitions(
    carried: Carried, kafka_tools: tuple[Path, ...], tmp_path: Path
) -> None:
    """The JVM's client sees each record once, with its attributes, where the log has it."""
    for topic in ("case-events", "delivery-events"):
        log = carried.log[topic]
        heard = await asyncio.to_thread(
            by_java, kafka_tools, tmp_path, carried.access, carried.prefix + topic, len(log)
        )
        same_but_values(heard, log)

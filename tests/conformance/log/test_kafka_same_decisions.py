"""One history, two backends of the log: the router decides alike, to the byte."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from contracts.topic_names import CASE_EVENTS, DECISIONS, DISPATCHES
from deploy.kafka.access import Access
from routing.receipt import encode_decision
from services.assembly.instance import Edges, Instance, build
from services.router.effects import RECEIPT, Receipt
from services.runtime.clock import ManualClock
from services.runtime.log import StoredRecord
from services.runtime.log.kafka import reading
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.support.database_copies import Days, days
from tests.support.kafka_log import KafkaLog, kafka_log
from tests.support.services_world import CONSENT, PERSON, ServicesWorld, open_world

__all__ = ["days"]  # a fixture

CHILD = {"facts": PERSON["facts"] | {"age": 15}, "groups": PERSON["groups"]}


async def tell(world: ServicesWorld) -> None:
    """Several cases, each with a beginning, a second event and an end; nobody decides meanwhile."""
    for number in range(6):
        subjects = [PERSON] if number % 2 else [PERSON, CHILD]
        receipt = await world.submit(consent=CONSENT, to=["SHA@TH"], subjects=subjects)
        said: Any = {"case": str(receipt.case_ref), "subjects": [{"subject": receipt.subject_refs[0]}]}
        world.clock.advance(60)
        await world.submit(event="VictimIdentified", **said)
        world.clock.advance(60)
        if number > 2:
            await world.submit(event="ConsentWithdrawn", **said)


@asynccontextmanager
async def decided(edges: Edges) -> AsyncIterator[Instance]:
    """The router over ``edges``, from the same clock and the same randomness each time, having decided all."""
    instance = build(replace(edges, clock=ManualClock(edges.clock.now()), random=random.Random(5).randbytes))
    await instance.router.run_once()
    yield instance


async def decisions_of(instance: Instance) -> dict[tuple[str, str], bytes]:
    """The decision of each event and subject, out of its sealed receipt."""
    async with instance.edges.store.pool.acquire() as connection:
        rows = await connection.fetch("select event_id, subject_id, sealed from router.receipts")
        keys = await instance.vault.facts_keys(connection, {row["subject_id"] for row in rows})
    found = {}
    for row in rows:
        about = RECEIPT + row["event_id"].bytes + row["subject_id"].bytes
        plain = instance.vault.open_facts(keys[row["subject_id"]], row["sealed"], about)
        receipt = msgspec.msgpack.decode(
            plain, type=Receipt, dec_hook=lambda kind, value: kind.model_validate(value)
        )
        found[str(row["event_id"]), str(row["subject_id"])] = encode_decision(receipt.decision)
    return found


async def written(store: PostgresStore, topic: str) -> list[StoredRecord]:
    heads = await store.log.heads(topic)
    return list(await store.log.read_many(topic, dict.fromkeys(heads, -1), 10_000))


async def carried(log: KafkaLog) -> None:
    await log.carry()
    first = (await log.stored())[:3]
    await log.send([*reversed(first), *first])  # and some of it twice, in another order


async def test_two_backends_decide_alike(days: Days, tmp_path: Path, kafka: Access) -> None:
    """A history played through the table and through Kafka, with copies on the topic, gives the same decisions,
    the same receipts and the same dispatches, byte for byte."""
    told = days.first()
    async with open_world(told, tmp_path) as world:
        await tell(world)
        edges = world.instance.edges
    copy = days.backup(told)
    store = await PostgresStore.connect(told.dsn, ManualClock(edges.clock.now()), Wake())
    async with decided(replace(edges, store=store)) as over_the_table:
        by_table = await decisions_of(over_the_table)
        written_by_table = [*await written(store, DECISIONS), *await written(store, DISPATCHES)]
    await store.close()
    async with kafka_log(copy, kafka, clock=ManualClock(edges.clock.now())) as log:
        await carried(log)
        async with (
            reading(log.kafka, log.log_id, [CASE_EVENTS], prefix=log.prefix) as at,
            decided(replace(edges, store=log.store, log=at)) as over_kafka,
        ):
            assert await decisions_of(over_kafka) == by_table
            assert [*await log.stored(DECISIONS), *await log.stored(DISPATCHES)] == written_by_table
    assert len(by_table) >= 6 * 2 + 3
    assert len({bytes(decision) for decision in by_table.values()}) > 3

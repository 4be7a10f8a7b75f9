"""Two routers with databases of their own beside intake and delivery: the same as one database, and kept apart."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.errors import TryLater
from contracts.topic_names import DISPATCHES
from deploy.kafka.access import Access
from services.assembly.erasure import Erasure
from services.assembly.instance import Instance
from services.assembly.shards import partitions_of
from services.delivery.step import read
from services.runtime.clock import ManualClock
from services.runtime.log import partition_of
from services.runtime.registry import Caller
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.test_kafka_same_decisions import decided, decisions_of, tell
from tests.support.database_copies import Days, days
from tests.support.postgres import FreshDatabase
from tests.support.router_shards import HALVES, Sharded, opened
from tests.support.services_world import ServicesWorld, open_world

__all__ = ["days"]  # a fixture

OWNER = Caller(UUID(int=0), frozenset({"agency"}))


@pytest.fixture
def sharded(
    days: Days, kafka: Access, kafka_prefix: str, tmp_path: Path
) -> Callable[[ServicesWorld], Sharded]:
    """Two empty databases beside the one that a world wrote to."""

    def beside(world: ServicesWorld) -> Sharded:
        hub, shards = days.made[0], [days.first(), days.first()]
        return Sharded(hub, shards, tmp_path, world.keyring, kafka, kafka_prefix)

    return beside


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds; the test's own time limit ends what never does."""
    while not await holds():
        await asyncio.sleep(0.05)


async def go_on(region: Sharded, intake: Instance, delivery: Instance, routers: list[Instance]) -> None:
    """What every process would do by itself, until nothing moves."""
    moved = 1
    while moved:
        await region.carry()
        moved = 0
        for loop in (*(one.router for one in routers), intake.aliases, delivery.delivery):
            moved += await loop.run_once()


async def told(store: PostgresStore) -> dict[UUID, list[str]]:
    """Each recipient's feed: which dispatches, and how they stand."""
    rows = await store.pool.fetch(
        "select recipient, dispatch_id, event_id, status, recalled from delivery.dispatches order by dispatch_id"
    )
    found: dict[UUID, list[str]] = {}
    for row in rows:
        found.setdefault(row["recipient"], []).append(str(tuple(row)[1:]))
    return found


@pytest.mark.timeout(240)
async def test_two_shards_decide_and_tell_what_one_database_does(
    days: Days, tmp_path: Path, sharded: Callable[[ServicesWorld], Sharded]
) -> None:
    """The same stories give the same decisions, byte for byte, and the same dispatches to the same recipients; each
    shard holds the cases of its own partitions; no database holds another service's rows; the owner reads the same
    timeline through the portal, and the desk lists the same questions."""
    async with open_world(days.first(), tmp_path) as world:
        await tell(world)
        edges = world.instance.edges
    copy, region = days.backup(days.made[0]), sharded(world)
    reference = await PostgresStore.connect(copy.dsn, ManualClock(edges.clock.now()), Wake())
    async with decided(replace(edges, store=reference)) as alone:
        wanted, case = await decisions_of(alone), await a_case(reference)
        await alone.settle()
        feeds = await told(reference)
        timeline = await alone.timelines.case(*case)
        questions = {item.review for agency in feeds for item in await alone.reviews.list(caller(agency))}
    await reference.close()
    assert len(wanted) > 12
    assert len(feeds) > 1
    async with region.whole() as (intake, delivery, routers):
        await until(lambda: learnt(delivery, 2))
        await go_on(region, intake, delivery, routers)
        halves = [await decisions_of(router) for router in routers]
        assert halves[0].keys() & halves[1].keys() == set()
        assert halves[0] | halves[1] == wanted
        assert all(halves)
        for router, half in zip(routers, HALVES, strict=True):
            keys = await router.edges.store.pool.fetch("select distinct log_key from router.subject_state")
            assert {partition_of(row["log_key"]) for row in keys} <= partitions_of(half)
        assert await told(intake.edges.store) == feeds
        assert await intake.timelines.case(*case) == timeline
        assert {i.review for agency in feeds for i in await intake.reviews.list(caller(agency))} == questions
        assert await region.strangers_rows() == {}


async def learnt(delivery: Instance, logs: int) -> bool:
    """Whether a process that was there first follows that many routers' logs by now."""
    return len(delivery.edges.others()) == logs


def caller(agency: UUID) -> Caller:
    return replace(OWNER, agency_id=agency)


async def a_case(store: PostgresStore) -> tuple[UUID, str]:
    """A case's owner and its true id."""
    row = await store.pool.fetchrow("select owner, case_id from intake.cases order by case_id limit 1")
    assert row is not None
    return row["owner"], str(row["case_id"])


@pytest.mark.timeout(240)
async def test_an_erasure_reaches_her_router_and_destroys_nothing_before_it_can(
    days: Days, tmp_path: Path, sharded: Callable[[ServicesWorld], Sharded], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While her router cannot be reached nothing is destroyed. Where it goes away after her key was, who asked is
    told, and asking again finishes it: her state and her timers are gone from the router's own database."""
    async with open_world(days.first(), tmp_path) as world:
        await tell(world)
        region = sharded(world)
    async with region.whole() as (intake, delivery, routers):
        await until(lambda: learnt(delivery, 2))
        await go_on(region, intake, delivery, routers)
        hub = intake.edges.store.pool
        row = await hub.fetchrow(
            "select s.subject_id, c.owner, c.log_key from intake.subjects s join intake.cases c using (case_id)"
            " order by s.subject_id limit 1"
        )
        subject, owner = row["subject_id"], caller(row["owner"])
        homes = intake.edges.homes
        assert homes is not None
        home = homes.of(row["log_key"]).pool
        erasure = Erasure(intake)

        async def erase() -> None:
            ticket = await erasure.ask(owner, subject)
            await erasure.confirm(owner, subject, ticket.confirm)

        async def state() -> tuple[Any, ...]:
            key = await hub.fetchval("select count(*) from vault.subject_keys where subject_id = $1", subject)
            sealed = await home.fetchval(
                "select sealed from router.subject_state where subject_id = $1", subject
            )
            timers = await home.fetchval("select count(*) from router.timers where subject_id = $1", subject)
            return key, sealed is not None, timers > 0

        before = await state()
        assert before[:2] == (1, True)
        acquire = type(home).acquire
        away = {home}

        def unreachable(pool: Any, **options: Any) -> Any:
            if pool in away:
                raise ConnectionRefusedError
            return acquire(pool, **options)

        with monkeypatch.context() as patched:
            patched.setattr(type(home), "acquire", unreachable)
            with pytest.raises(TryLater) as refused:
                await erase()
        assert (refused.value.code, await state()) == ("router-away", before)

        async def broken(self: Any, connection: Any, subject: UUID, now: Any) -> None:
            raise TryLater("gone", code="erasure-unfinished")

        with monkeypatch.context() as patched:
            patched.setattr("services.assembly.erasing_router.RouterSide.close", broken)
            with pytest.raises(TryLater):
                await erase()
        assert (await state())[:2] == (0, True)
        await erase()
        assert await state() == (0, False, False)


@pytest.mark.timeout(300)
async def test_a_shard_that_is_killed_and_comes_back_loses_nothing(
    days: Days, tmp_path: Path, sharded: Callable[[ServicesWorld], Sharded]
) -> None:
    """Killed while it decides, and started again: every event of its partitions is decided, each dispatch is told
    once, and the other shard goes on meanwhile."""
    async with open_world(days.first(), tmp_path) as world:
        await tell(world)
        region = sharded(world)
        async with region.router(1) as second:
            with region.router_process(0, tmp_path) as first:
                await asyncio.to_thread(first.until, "router is ready")
                await region.carry()
                await until(lambda: has_decided(region.shards[0], set()))
                first.signal(signal.SIGKILL)
                first.end()
            await tell(world)
            await region.carry()
            assert await second.router.run_once() > 0
            events = await world.store.pool.fetch(
                "select event_id, log_key from intake.submissions join intake.cases using (case_id)"
            )
            mine = {row["event_id"] for row in events if partition_of(row["log_key"]) in partitions_of(HALVES[0])}
            assert not await has_decided(region.shards[0], mine)
            with region.router_process(0, tmp_path) as again:
                await asyncio.to_thread(again.until, "router is ready")
                await until(lambda: has_decided(region.shards[0], mine))
            assert await decided_events(region.shards[0]) == mine
            async with opened(region.shards[0]) as store:
                heads = await store.log.heads(DISPATCHES)
                records = await store.log.read_many(DISPATCHES, dict.fromkeys(heads, -1), 10_000)
            said = [entry.dispatch_id for record in records if (entry := read(record)).kind == "dispatch"]
            assert len(said) == len(set(said)) > 3


async def has_decided(database: FreshDatabase, events: set[UUID]) -> bool:
    """Whether these have been decided there, or something at all."""
    found = await decided_events(database)
    return bool(found) and events <= found


async def decided_events(database: FreshDatabase) -> set[UUID]:
    """What agencies said and was decided there; what Sampan found itself is left out."""
    async with opened(database) as store:
        rows = await store.pool.fetch("select event_id from router.receipts where emitter is not null")
    return {row["event_id"] for row in rows}

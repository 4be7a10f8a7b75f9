"""``sampan replay``: what an operator reads again, on the services' own tables."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services.runtime.lease import LEASE_SECONDS
from services.runtime.log import partition_of
from services.runtime.parking import list_parked
from tests.support.carried import tell_a_story
from tests.support.lane_play import MINISTRY
from tests.support.operator_command import answered, typed
from tests.support.partners import with_partners
from tests.support.postgres import FreshDatabase
from tests.support.services_world import ServicesWorld, open_world

ROOMS = ("intake", "router", "delivery", "vault", "log")
ALL_FROM_START = tuple(word for partition in range(12) for word in ("--position", f"{partition}:0"))


async def _history(world: ServicesWorld) -> list[str]:
    """Two cases a minute apart, the first withdrawn from after it was told; returns the cases."""
    first = await world.refer()
    world.clock.advance(60)
    second = await world.refer()
    for _ in range(2):  # a second narrowing of the same dispatches
        await world.submit(event="ConsentWithdrawn", case=str(first.case_ref),
                           subjects=[{"subject": first.subject_refs[0]}])  # fmt: skip
        await world.instance.settle()
    return [str(one.case_ref) for one in (first, second)]


async def _applied(world: ServicesWorld) -> None:
    """Whoever lost a lease to the replay looks at its leases every few seconds."""
    world.clock.advance(LEASE_SECONDS)
    await world.instance.settle()


@pytest.mark.parametrize("consumer", ["delivery", "intake-aliases"])
async def test_reading_all_again_leaves_the_same_tables(
    world: ServicesWorld, fresh_database: FreshDatabase, consumer: str
) -> None:
    """Twice from the first record on: every row of every room and of the log is as it was, recalls among them."""
    await _history(world)
    before = await world.tables(*ROOMS)
    assert len(before["delivery.inbox"]) >= 2
    for _ in range(2):
        done = await answered(fresh_database, "replay", consumer, *ALL_FROM_START, "--apply", "--reason", "a drill")
        assert done["applied"]
        assert sum(one["records"] for one in done["ranges"]) > 3
        await _applied(world)
        assert await world.tables(*ROOMS) == before
    acts = await world.store.pool.fetch("select act, said_by <> '' as somebody, reason from operations.acts")
    assert [tuple(row) for row in acts] == [("replay", True, "a drill")] * 2


async def test_what_was_taken_back_is_not_told_again(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """An agency with a topic of its own gets no second notice of a dispatch, nor of its narrowing."""
    async with open_world(fresh_database, tmp_path, directory=with_partners(MINISTRY)) as world:
        await tell_a_story(world)
        before = await world.tables(*ROOMS)
        await answered(fresh_database, "replay", "delivery", *ALL_FROM_START, "--apply", "--reason", "a drill")
        await _applied(world)
        assert await world.tables(*ROOMS) == before


async def test_what_a_table_lost_comes_back(world: ServicesWorld, fresh_database: FreshDatabase) -> None:
    """Names that intake lost are learnt again, from that moment on and no earlier."""
    await _history(world)
    whole = await world.tables("intake")
    moment = (world.clock.now() - timedelta(seconds=30)).isoformat()
    await world.store.pool.execute("delete from intake.refs")
    await answered(fresh_database, "replay", "intake-aliases", "--since", moment, "--apply", "--reason", "rows lost")
    await _applied(world)
    some = await world.tables("intake")
    assert 0 < len(some["intake.refs"]) < len(whole["intake.refs"])
    await answered(fresh_database, "replay", "intake-aliases", *ALL_FROM_START, "--apply", "--reason", "all of them")
    await _applied(world)
    assert (await world.tables("intake"))["intake.refs"] == whole["intake.refs"]


async def test_one_case_is_read_again_alone(world: ServicesWorld, fresh_database: FreshDatabase) -> None:
    """Its rows come back and no other case's; positions stay, and nothing stays parked."""
    case, _ = await _history(world)
    whole = await world.tables("intake", "runtime")
    await world.store.pool.execute("delete from intake.refs")
    done = await answered(
        fresh_database, "replay", "intake-aliases", "--case", case, "--apply", "--reason", "one family asked"
    )
    (part,) = done["ranges"]
    key = await world.store.pool.fetchval(
        "select log_key from delivery.dispatches where case_id = $1::text::uuid", case
    )
    assert part["partition"] == partition_of(key)
    (parked,) = await list_parked(world.store.pool)
    assert (parked.key, parked.records, parked.error_code) == (key, part["records"], "replay")
    await world.instance.aliases.release_parked(key)
    some = await world.tables("intake", "runtime")
    assert 0 < len(some["intake.refs"]) < len(whole["intake.refs"])
    assert set(some["intake.refs"]) < set(whole["intake.refs"])
    assert some["runtime.positions"] == whole["runtime.positions"]
    assert await list_parked(world.store.pool) == []


async def test_what_waits_behind_its_key_is_not_overtaken(
    world: ServicesWorld, fresh_database: FreshDatabase
) -> None:
    """A rewind of partitions in which records wait for a release is refused; no position moves, no lease is lost."""
    case, _ = await _history(world)
    again = ("--apply", "--reason", "one family asked")
    await answered(fresh_database, "replay", "delivery", "--case", case, *again)
    before = await world.tables("runtime", "operations")
    for where in (ALL_FROM_START, ("--since", "2026-01-01T00:00+00:00")):
        done = await typed(fresh_database, "replay", "delivery", *where, *again)
        assert (done.exit_code, "wait for a release" in " ".join(done.output.split())) == (1, True), done.output
        assert await world.tables("runtime", "operations") == before


async def test_looking_changes_nothing(world: ServicesWorld, fresh_database: FreshDatabase) -> None:
    """Without --apply it says how many records, by topic and partition, and no table differs."""
    case, _ = await _history(world)
    before = await world.tables(*ROOMS, "runtime", "operations")
    for where in (ALL_FROM_START, ("--since", "2026-01-01T00:00+00:00"), ("--case", case)):
        done = await typed(fresh_database, "replay", "delivery", *where)
        assert done.exit_code == 0, done.output
        assert "Nothing was changed" in done.output
        assert "dispatches" in done.output
    nothing = await typed(fresh_database, "replay", "delivery", "--since", "2099-01-01T00:00+00:00")
    assert "nothing to read again" in nothing.output
    assert await world.tables(*ROOMS, "runtime", "operations") == before


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("router", "--position", "0:0"), "the router would decide again"),
        (("relay", "--position", "0:0"), "topics that others read"),
        (("portal", "--position", "0:0"), "there is no such consumer"),
        (("delivery",), "say from where"),
        (("delivery", "--position", "0:0", "--case", "x"), "say from where"),
        (("delivery", "--position", "12:0"), "a position is PARTITION:OFFSET"),
        (("delivery", "--since", "2026-03-02T09:00"), "a moment needs date, time and zone"),
        (("delivery", "--case", "x"), "a case is named by its id"),
        (("delivery", "--position", "0:0", "--apply"), "the reason is empty"),
    ],
)
async def test_what_cannot_be_replayed_is_said(
    fresh_database: FreshDatabase, words: tuple[str, ...], sentence: str
) -> None:
    """The router and the relay never; no place, two places, a wrong place, no reason: one sentence."""
    done = await typed(fresh_database, "replay", *words)
    assert (done.exit_code, sentence in " ".join(done.output.split())) == (1, True), done.output

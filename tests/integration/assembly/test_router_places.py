"""Where a router works, beside what other processes have made known; and what it waits for before a deadline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from contracts.errors import SetupProblem
from contracts.topic_names import CASE_EVENTS
from services.assembly.apart import Keyed, Place, check_nobody_apart, placed
from services.assembly.identity import instance_id
from services.assembly.settings import KafkaSettings, RouterSettings, ServerSettings
from services.router.bootstrap import NAME as ROUTER
from services.router.hearing import Hearing
from services.router.timers import Timers
from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop
from services.runtime.lease import LEASE_SECONDS, PostgresLeases
from services.runtime.log import NewRecord, partition_of
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.keyring import Keyring
from services.vault.vault import Vault
from tests.conformance.log.harness import copy_to_output, key_number
from tests.support.database_copies import Days, days
from tests.support.postgres import FreshDatabase

__all__ = ["days"]  # a fixture

START = datetime(2026, 3, 2, tzinfo=UTC)
KEY = key_number(11)


class Houses:
    """A served hub's database and two empty ones beside it."""

    def __init__(self, days: Days, folder: Path) -> None:
        self.hub, self.one, self.two = days.first(), days.first(), days.first()
        self.clock = ManualClock(START)
        self.keys = Keyring.create(folder / "keyring.json", lambda size: bytes(range(size)))

    async def store(self, database: FreshDatabase) -> PostgresStore:
        return await PostgresStore.connect(database.dsn, self.clock, Wake())

    def place(self, service: str | None, **router: Any) -> Any:
        settings = ServerSettings(
            database_url=SecretStr(self.hub.dsn),
            brokers=KafkaSettings(bootstrap="127.0.0.1:1"),
            router=RouterSettings(**router),
        )
        keyed = Keyed(Vault(self.keys, bytes), self.keys, bytes)
        return placed(settings, self.hub.dsn, service, keyed, self.clock)

    def router(self, database: FreshDatabase, partitions: str) -> Any:
        return self.place("router", database_url=SecretStr(database.dsn), partitions=partitions)

    async def code(self, place: Any) -> str | None:
        """The code with which a start is refused, or None."""
        try:
            async with place as found:
                assert isinstance(found, Place)
            return None
        except SetupProblem as error:
            return error.code if error.field and error.remedy else f"{error.code} without field and remedy"


@pytest.fixture
async def houses(days: Days, tmp_path: Path) -> Houses:
    made = Houses(days, tmp_path)
    store = await made.store(made.hub)
    await instance_id(store, "test", lambda size: bytes(range(size)), demo=True)
    await store.close()
    return made


async def test_a_router_makes_its_log_known_and_keeps_its_partitions(houses: Houses) -> None:
    """It may start again; another may not answer for its partitions, nor it for other ones than its cases are of."""
    assert await houses.code(houses.router(houses.one, "0-5")) is None
    assert await houses.code(houses.router(houses.one, "0-5")) is None
    assert await houses.code(houses.router(houses.one, "0-6")) == "partitions-differ"
    assert await houses.code(houses.router(houses.two, "5-11")) == "partitions-overlap"
    assert await houses.code(houses.router(houses.two, "6-11")) is None


async def test_nobody_decides_beside_a_router_apart(houses: Houses) -> None:
    """Once a router has a database of its own, none works on the hub's; and the API must be told where they are,
    as they say it themselves."""
    assert await houses.code(houses.place("router")) is None
    assert await houses.code(houses.router(houses.one, "0-5")) is None
    assert await houses.code(houses.router(houses.two, "6-11")) is None
    assert await houses.code(houses.place("router")) == "router-is-apart"
    assert await houses.code(houses.place("intake")) == "shards-unnamed"
    hub = await houses.store(houses.hub)
    with pytest.raises(SetupProblem):
        await check_nobody_apart(hub)
    await hub.close()
    one, two = SecretStr(houses.one.dsn), SecretStr(houses.two.dsn)
    assert await houses.code(houses.place("intake", shards={"0-5": two, "6-11": one})) == "shard-differs"
    assert await houses.code(houses.place("intake", shards={"0-5": one, "6-11": two})) is None
    assert await houses.code(houses.place("delivery")) is None


async def test_a_database_of_another_instance_is_refused(houses: Houses) -> None:
    """Its cases are somebody else's; a database that is new becomes ours."""
    store = await houses.store(houses.one)
    await instance_id(store, "another", bytes, demo=False)
    assert await houses.code(houses.router(houses.one, "0-5")) == "other-instance"
    assert await houses.code(houses.router(houses.two, "0-5")) is None
    await store.close()


async def test_history_is_not_decided_a_second_time(houses: Houses) -> None:
    """Where the router has worked on the hub's database, an empty one beside it would decide everything anew."""
    hub = await houses.store(houses.hub)
    await hub.pool.execute(
        "insert into runtime.positions (consumer, topic, partition, log_id, applied_offset)"
        " select $1, $2, 3, log_id, 7 from log.identity",
        *(ROUTER, CASE_EVENTS),
    )
    await hub.close()
    assert await houses.code(houses.router(houses.one, "0-5")) == "router-begun-elsewhere"


async def test_nobody_decides_beside_a_router_on_the_hub(houses: Houses) -> None:
    """While one runs there and has applied nothing yet, none starts apart; it may once that one's lease has ended."""
    hub = await houses.store(houses.hub)
    await PostgresLeases(hub.pool).acquire(ROUTER, CASE_EVENTS, range(12), "on the hub", houses.clock.now())
    await hub.close()
    assert await houses.code(houses.router(houses.one, "0-5")) == "router-on-hub"
    houses.clock.advance(LEASE_SECONDS)
    assert await houses.code(houses.router(houses.one, "0-5")) is None


async def test_no_deadline_fires_before_what_the_hub_heard_is_folded(houses: Houses) -> None:
    """An answer that the hub recorded before the timer fires may still be on its way: the timer waits for it."""
    hub, mine = await houses.store(houses.hub), await houses.store(houses.one)
    async with hub.unit_of_work() as work:
        work.emit(NewRecord(CASE_EVENTS, KEY, b"an answer in time"))
    await mine.pool.execute(
        "insert into router.timers (timer_id, subject_id, case_id, log_key, due_at) values ($1, $1, $1, $1, $2)",
        *(KEY, START + timedelta(hours=1)),
    )
    hub_id = await hub.log.log_id()
    timers = Timers(mine, bytes, Hearing(ROUTER, hub.log, hub_id, mine.pool, [partition_of(KEY)]))
    assert await timers.run_once() == 0
    houses.clock.advance(7200)
    assert await timers.run_once() == 0
    router = ConsumerLoop(
        ROUTER, [CASE_EVENTS], copy_to_output, store=mine, leases=PostgresLeases(mine.pool), log=mine.log,
        others=lambda: [hub.log], clock=houses.clock, wake=Wake(), owner="router", partitions=[partition_of(KEY)],
    )  # fmt: skip
    assert await router.run_once() == 1
    fired = [await timers.run_once() for _ in range(2)]  # the first looks at the hub as it was asked before
    assert fired == [0, 1]
    (record,) = await mine.log.read(CASE_EVENTS, partition_of(KEY), -1, 9)
    assert record.key == UUID(int=KEY.int)
    for store in (hub, mine):
        await store.close()


async def test_partitions_of_other_shards_hold_no_deadline_up(houses: Houses) -> None:
    """What the hub says in another shard's partitions is not waited for: it is never folded here."""
    hub, mine = await houses.store(houses.hub), await houses.store(houses.one)
    async with hub.unit_of_work() as work:
        work.emit(NewRecord(CASE_EVENTS, KEY, b"of another shard"))
    others = set(range(12)) - {partition_of(KEY)}
    hearing = Hearing(ROUTER, hub.log, await hub.log.log_id(), mine.pool, others)
    assert await hearing(START) == START
    for store in (hub, mine):
        await store.close()

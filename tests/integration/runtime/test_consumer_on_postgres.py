"""What only a real database shows: concurrent owners, wake-ups across connections, the operator's view."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.runtime.clock import ManualClock, SystemClock
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.failures import is_transient
from services.runtime.lease import LEASE_SECONDS, Ownership, PostgresLeases
from services.runtime.log import NewRecord, StoredRecord, partition_of
from services.runtime.parking import Releases, list_parked, request_release
from services.runtime.store import Advance, CommitUnknown, FencedError, UnitOfWork
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import CHANNEL, POLL_SECONDS, Wake, listen
from tests.support.postgres import FreshDatabase

TOPIC = "case-events"
KEY = UUID(int=3)
AT = datetime(2026, 1, 1, tzinfo=UTC)
CANARY = "Malee Canary"


@pytest.fixture
async def store(fresh_database: FreshDatabase) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.connect(fresh_database.dsn, ManualClock(AT), Wake(), notify=True)
    yield opened
    await opened.close()


def consumer(store: PostgresStore, step: Step) -> ConsumerLoop:
    return ConsumerLoop(
        "router",
        [TOPIC],
        step,
        store=store,
        leases=PostgresLeases(store.pool),
        log=store.log,
        clock=store.clock,
        wake=store.wake,
        owner="one",
        releases=Releases(store.pool, "router"),
    )


async def emit(store: PostgresStore, *values: bytes) -> None:
    async with store.unit_of_work() as work:
        for value in values:
            work.emit(NewRecord(TOPIC, KEY, value))


async def test_of_two_equal_steps_one_is_fenced(store: PostgresStore) -> None:
    """Of transactions that advance one position at the same time, one commits and the others do nothing."""
    (own,) = await PostgresLeases(store.pool).acquire("router", TOPIC, [0], "one", AT)
    advance = Advance("router", TOPIC, 0, await store.log.log_id(), own.epoch, -1, 0)

    async def step(number: int) -> bool:
        try:
            async with store.unit_of_work([advance]) as work:
                work.emit(NewRecord("decisions", KEY, b"%d" % number))
                await asyncio.sleep(0)
        except FencedError:
            return False
        return True

    assert sorted(await asyncio.gather(*(step(n) for n in range(5)))) == [False] * 4 + [True]
    assert sum(head + 1 for head in (await store.log.heads("decisions")).values()) == 1


async def test_a_step_under_way_finishes_before_its_lease_can_be_taken(store: PostgresStore) -> None:
    """A successor waits for the open transaction, and starts from what that one committed."""
    leases = PostgresLeases(store.pool)
    (own,) = await leases.acquire("router", TOPIC, [0], "one", AT)
    async with store.unit_of_work([Advance("router", TOPIC, 0, await store.log.log_id(), own.epoch, -1, 6)]):
        taking = asyncio.create_task(leases.acquire("router", TOPIC, [0], "two", AT.replace(year=2027)))
        await until(store, "select count(*) > 0 from pg_locks where not granted")
    (taken,) = await taking
    assert (taken.epoch, list(taken.applied.values())) == (own.epoch + 1, [6])


async def test_state_and_position_share_one_fate(store: PostgresStore, fresh_database: FreshDatabase) -> None:
    """A step's own rows are undone together with its position and its records."""
    owner = await asyncpg.connect(fresh_database.owner_dsn)
    await owner.execute("create table seen (n int); grant all on seen to sampan_service")
    await emit(store, b"1", b"2")
    fail = [True]

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        for record in records:
            await work.connection.execute("insert into seen values ($1)", int(record.value))
        if fail and fail.pop():
            raise ConnectionResetError

    assert await consumer(store, step).run_once() == 2
    assert [row["n"] for row in await owner.fetch("select n from seen")] == [1, 2]
    await owner.close()


async def test_a_failing_statement_parks_without_harming_its_neighbours(store: PostgresStore) -> None:
    """A database error inside a step undoes that record alone, and its code tells no value."""
    await emit(store, b"1")
    async with store.unit_of_work() as work:
        work.emit(NewRecord(TOPIC, UUID(int=4), CANARY.encode()))
        work.emit(NewRecord(TOPIC, UUID(int=5), b"5"))

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        for record in records:
            await work.connection.fetchval("select $1::text::int", record.value.decode())
            work.emit(NewRecord("decisions", record.key, record.value))

    with capture_logs() as lines:
        assert await consumer(store, step).run_once() == 3
    assert sum(head + 1 for head in (await store.log.heads("decisions")).values()) == 2
    (parked,) = await list_parked(store.pool)
    assert (parked.key, parked.error_code, parked.records) == (UUID(int=4), "sqlstate-22P02", 1)
    assert (parked.topic, parked.partition, parked.first_offset) == (TOPIC, partition_of(UUID(int=4)), 0)
    assert "key_parked" in [line["event"] for line in lines]
    assert "Malee" not in repr(lines)


async def test_a_process_that_stands_still_in_a_step_does_not_hold_its_successor(
    store: PostgresStore, fresh_database: FreshDatabase
) -> None:
    """Stopped inside a transaction it loses the transaction and the partition; what it did there counts for nothing."""
    stopped = await PostgresStore.connect(fresh_database.dsn, store.clock, Wake(), idle_seconds=0.2)
    (own,) = await PostgresLeases(store.pool).acquire("router", TOPIC, [0], "stopped", AT)
    taken: list[Ownership] = []

    async def stand_still() -> None:
        advance = Advance("router", TOPIC, 0, await store.log.log_id(), own.epoch, -1, 0)
        async with stopped.unit_of_work([advance]) as work:
            work.emit(NewRecord("decisions", KEY, b"of one who stood still"))
            later = AT + timedelta(seconds=LEASE_SECONDS)
            taken.extend(await PostgresLeases(store.pool).acquire("router", TOPIC, [0], "successor", later))

    broken = (CommitUnknown, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    with pytest.raises(broken) as lost:
        await stand_still()
    assert is_transient(lost.value)
    assert [(one.epoch, list(one.applied.values())) for one in taken] == [(own.epoch + 1, [-1])]
    assert await store.log.heads("decisions") == {}
    stopped.pool.terminate()


async def test_an_operator_asks_for_a_release_from_elsewhere(store: PostgresStore) -> None:
    """The mark an operator leaves is found by the running consumer, which alone can apply the records."""
    await emit(store, b"1", b"2")
    poison, applied = [True], asyncio.Event()

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        if poison:
            raise ValueError
        if records[-1].value == b"2":
            applied.set()

    loop = consumer(store, step)
    await loop.run_once()
    poison.clear()
    assert not await request_release(store.pool, "router", UUID(int=99))
    assert await request_release(store.pool, "router", KEY)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await applied.wait()
    stop.set()
    await running
    assert await list_parked(store.pool, "router") == []


async def test_a_release_asked_for_is_not_forgotten_when_something_else_fails(store: PostgresStore) -> None:
    """Two keys are to be released and the first meets a passing failure: both are released in the end."""
    poison, passing = [True], [True]

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        if poison:
            raise ValueError
        if passing:
            passing.clear()
            raise ConnectionResetError

    loop = consumer(store, step)
    other = UUID(int=4)
    async with store.unit_of_work() as work:
        for key in (KEY, other):
            work.emit(NewRecord(TOPIC, key, b"1"))
    await loop.run_once()
    poison.clear()
    for key in (KEY, other):
        assert await request_release(store.pool, "router", key)
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    while not await store.pool.fetchval("select count(*) = 0 from runtime.parked_keys"):
        await store.clock.sleep(POLL_SECONDS)
        store.wake.signal([TOPIC])
    stop.set()
    await running


async def test_a_release_waits_for_whoever_owns_the_key(store: PostgresStore) -> None:
    """A process that does not hold the key's partition leaves the mark to the one that does."""
    poison = [True]

    async def step(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        if poison:
            raise ValueError

    await emit(store, b"1")
    await consumer(store, step).run_once()
    poison.clear()
    idle = ConsumerLoop("router", [TOPIC], step, store=store, leases=PostgresLeases(store.pool), log=store.log,
                        clock=store.clock, wake=store.wake, owner="idle", partitions=[],
                        releases=Releases(store.pool, "router"))  # fmt: skip
    assert await request_release(store.pool, "router", KEY)
    await idle._release_requested()
    assert list(await Releases(store.pool, "router").asked()) == [KEY]
    holder = consumer(store, step)
    await holder._release_requested()
    assert await list_parked(store.pool, "router") == []


async def test_another_process_is_woken_by_one_notification_per_batch(
    store: PostgresStore, fresh_database: FreshDatabase
) -> None:
    """A commit through one connection signals whoever listens on another; a batch notifies once."""
    elsewhere, stop = Wake(), asyncio.Event()
    payloads: list[str] = []
    counting = await asyncpg.connect(fresh_database.dsn)
    await counting.add_listener(CHANNEL, lambda _c, _pid, _channel, payload: payloads.append(payload))
    listening = asyncio.create_task(listen(fresh_database.dsn, elsewhere, SystemClock(), stop))
    await until(store, "select count(*) = 2 from pg_stat_activity where query ilike 'listen%'")
    seen = elsewhere.seen([TOPIC])
    await emit(store, *(b"%d" % n for n in range(50)))
    await elsewhere.wait([TOPIC], seen, timeout_seconds=3600)
    await counting.execute("select 1")
    assert payloads == [TOPIC]
    stop.set()
    await listening
    await counting.close()


async def until(store: PostgresStore, question: str) -> None:
    """Ask the database until it says yes; the test's own limit ends a wait that is in vain."""
    while not await store.pool.fetchval(question):
        pass

"""A consumer that follows its own database's log and another's: one lease, a position for each log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.failures import LogReplacedError
from services.runtime.lease import LEASE_SECONDS, PostgresLeases
from services.runtime.log import LogReader, partition_of
from services.runtime.parking import Releases, request_release
from services.runtime.positions import applied_offsets
from services.runtime.postgres import mint_log_id
from services.runtime.store.port import FencedError
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.harness import NAME, OUTPUT, TOPIC, copy_to_output, key_number, numbered
from tests.support.database_copies import Days, days

__all__ = ["days"]  # a fixture

KEY = key_number(11)
PARTITION = partition_of(KEY)
CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


class Pair(NamedTuple):
    """Two databases; the consumer lives in the first."""

    mine: PostgresStore
    theirs: PostgresStore
    their_owner_dsn: str


@pytest.fixture
async def pair(days: Days) -> AsyncIterator[Pair]:
    first, second = days.first(), days.first()
    stores = [await PostgresStore.connect(one.dsn, CLOCK, Wake()) for one in (first, second)]
    yield Pair(*stores, second.owner_dsn)
    for store in stores:
        await store.close()


def consumer(pair: Pair, step: Step = copy_to_output, owner: str = "first", **options: Any) -> ConsumerLoop:
    others: list[LogReader] = options.pop("others", [pair.theirs.log])
    return ConsumerLoop(NAME, [TOPIC], step, store=pair.mine, leases=PostgresLeases(pair.mine.pool),
                        log=pair.mine.log, others=lambda: others, clock=CLOCK, wake=Wake(), owner=owner,
                        **options)  # fmt: skip


async def say(store: PostgresStore, *numbers: int) -> None:
    async with store.unit_of_work() as work:
        for record in numbered(KEY, numbers):
            work.emit(record)


async def copied(pair: Pair) -> list[int]:
    return [int(record.value) for record in await pair.mine.log.read(OUTPUT, PARTITION, -1, 100)]


async def applied(pair: Pair, log_id: UUID) -> dict[int, int]:
    return await applied_offsets(pair.mine.pool, NAME, TOPIC, log_id)


async def test_each_log_has_a_position_of_its_own(pair: Pair) -> None:
    """Two logs of one topic number their records alike: each is applied in its order and once, and kept apart."""
    await say(pair.mine, 1, 2)
    await say(pair.theirs, 11, 12, 13)
    loop = consumer(pair)
    assert await loop.run_once() == 5
    await say(pair.theirs, 14)
    await say(pair.mine, 3)
    assert await consumer(pair, owner="first").run_once() == 2
    found = await copied(pair)
    assert [n for n in found if n < 10] == [1, 2, 3]
    assert [n for n in found if n > 10] == [11, 12, 13, 14]
    assert (await applied(pair, await pair.mine.log.log_id()))[PARTITION] == 2
    assert (await applied(pair, await pair.theirs.log.log_id()))[PARTITION] == 3


async def test_one_process_folds_a_partition_whichever_logs_it_stands_in(pair: Pair) -> None:
    """Who owns a partition owns it in every log, also in one that its owner does not know of: no case is folded by
    two processes at once."""
    alone = consumer(pair, owner="first", others=[])
    await alone.run_once()
    await say(pair.theirs, 11)
    successor = consumer(pair, owner="second")
    assert await successor.run_once() == 0
    CLOCK.advance(LEASE_SECONDS)
    assert await successor.run_once() == 1
    assert await copied(pair) == [11]


async def test_an_owner_that_lost_its_lease_applies_nothing_of_any_log(pair: Pair) -> None:
    """A zombie is fenced at another database's record as at its own, with or without a position there."""
    zombie = consumer(pair, owner="zombie")
    await zombie.run_once()
    CLOCK.advance(LEASE_SECONDS)
    await consumer(pair, owner="successor").run_once()
    CLOCK.advance(-LEASE_SECONDS)
    await say(pair.theirs, 11)
    refused: list[Exception] = []
    zombie._keep_leases = _nothing  # type: ignore[method-assign] (it has not noticed)
    commit = zombie._commit

    async def watched(*told: Any) -> int:
        try:
            return await commit(*told)
        except FencedError as error:
            refused.append(error)
            raise

    zombie._commit = watched  # type: ignore[method-assign]
    assert await zombie.run_once() == 0
    assert (len(refused), await copied(pair)) == (1, [])


async def _nothing() -> None:
    """Stands for a lease that is not looked at."""


async def test_what_is_parked_is_read_again_from_its_own_log(pair: Pair) -> None:
    """Records of one key wait in one queue; on release each is read from the log that it stands in."""
    sick = True

    async def step(work: Any, records: Any) -> None:
        if sick:
            raise ValueError
        await copy_to_output(work, records)

    await say(pair.theirs, 11, 12)
    await say(pair.mine, 1)
    loop = consumer(pair, step, releases=Releases(pair.mine.pool, NAME))
    assert await loop.run_once() == 3
    sick = False
    assert await request_release(pair.mine.pool, NAME, KEY)
    assert await loop.release_parked(KEY) == 3
    assert await copied(pair) == [11, 12, 1]
    assert await pair.mine.pool.fetchval("select count(*) from runtime.parked_records") == 0


async def test_a_log_that_comes_up_later_is_read_from_its_first_record(pair: Pair) -> None:
    """Another database may start after its readers: nothing of it is missed, and nothing applied twice."""
    known: list[LogReader] = []
    loop = consumer(pair, others=known)
    await say(pair.mine, 1)
    await say(pair.theirs, 11)
    assert await loop.run_once() == 1
    known.append(pair.theirs.log)
    assert await loop.run_once() == 1
    assert (await loop.run_once(), await loop.behind_others()) == (0, 0)
    assert await copied(pair) == [1, 11]


async def test_what_waits_in_another_log_is_counted(pair: Pair) -> None:
    """A consumer that cannot apply what another database says shows how much of it waits."""

    async def step(work: Any, records: Any) -> None:
        raise ConnectionRefusedError

    await say(pair.theirs, 11, 12)
    loop = consumer(pair, step)
    with pytest.raises(ConnectionRefusedError):
        await loop.run_once()
    assert await loop.behind_others() == 2


async def test_another_database_s_restored_log_is_not_read_from_its_start(pair: Pair) -> None:
    """A restored log has a new id and holds what was applied before: it is refused until somebody decides."""
    await say(pair.theirs, 11)
    assert await consumer(pair).run_once() == 1
    mint_log_id(pair.their_owner_dsn, "restored")
    alarms: list[Exception] = []
    with pytest.raises(LogReplacedError):
        await consumer(pair, alarm=alarms.append).run_once()
    assert (await copied(pair), len(alarms)) == ([11], 1)

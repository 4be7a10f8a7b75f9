"""What still awaits a consumer, asked while the consumer works."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop
from services.runtime.lease import PostgresLeases
from services.runtime.positions import unapplied
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.conformance.log.harness import NAME, TOPIC, numbered
from tests.conformance.log.parking_contract import SICK, PoisonStep
from tests.support.postgres import FreshDatabase

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


class Interrupted:
    """A connection; once ``statements`` were asked of it, somebody else commits something."""

    def __init__(self, pool: Any, statements: int, commit: Callable[[], Awaitable[object]]) -> None:
        self._pool, self._left, self._commit = pool, statements, commit

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*words: Any) -> Any:
            answer = await getattr(self._pool, name)(*words)
            self._left -= 1
            if self._left == 0:
                await self._commit()
            return answer

        return ask


@pytest.fixture
async def store(fresh_database: FreshDatabase) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.connect(fresh_database.dsn, CLOCK, Wake())
    yield opened
    await opened.close()


def consumer(store: PostgresStore) -> ConsumerLoop:
    return ConsumerLoop(NAME, [TOPIC], PoisonStep(), store=store, leases=PostgresLeases(store.pool), log=store.log,
                        clock=CLOCK, wake=Wake(), owner="first")  # fmt: skip


@pytest.mark.parametrize("statements", [1, 2, 3, 4])
async def test_a_record_that_is_parked_while_somebody_asks_is_not_missed(
    store: PostgresStore, statements: int
) -> None:
    """A record goes from awaited to parked between two statements of the question: it is one of both, never neither."""
    loop = consumer(store)
    await loop.run_once()
    async with store.unit_of_work() as work:
        for record in numbered(SICK, [2]):
            work.emit(record)
    asking = Interrupted(store.pool, statements, loop.run_once)
    assert any(await unapplied(asking, NAME, TOPIC, SICK))
    await loop.run_once()
    assert await unapplied(store.pool, NAME, TOPIC, SICK) == (True, False)

"""A batch over very many topics, whose names would not fit into one notification."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.runtime.clock import ManualClock
from services.runtime.log import NewRecord
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake, listen
from tests.support.postgres import FreshDatabase

CLOCK = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("topics", [3, 600])
async def test_a_batch_of_any_number_of_topics_is_kept_and_wakes_its_readers(
    fresh_database: FreshDatabase, topics: int
) -> None:
    """Every record is there, and who waits for one of the topics in another process hears of it."""
    names = [f"partner-agency-number-{number:04}" for number in range(topics)]
    wake, stop = Wake(), asyncio.Event()
    store = await PostgresStore.connect(fresh_database.dsn, CLOCK, Wake(), notify=True)
    listening = asyncio.create_task(listen(fresh_database.dsn, wake, CLOCK, stop))
    try:
        await _until_listening(store)
        before = wake.seen([names[1]])
        async with store.unit_of_work() as work:
            for number, name in enumerate(names):
                work.emit(NewRecord(name, UUID(int=number), b"sealed"))
        async with asyncio.timeout(30):
            while wake.seen([names[1]]) == before:
                await wake.wait([names[1]], before)
        assert await store.pool.fetchval("select count(*) from log.records") == topics
    finally:
        stop.set()
        await listening
        await store.close()


async def _until_listening(store: PostgresStore) -> None:
    async with asyncio.timeout(30):
        while not await store.pool.fetchval(
            "select count(*) from pg_stat_activity where query like 'LISTEN%' and datname = current_database()"
        ):
            await asyncio.sleep(0.02)

"""Who may write to the log, and how."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import psycopg
import pytest

from services.runtime.clock import ManualClock
from services.runtime.log import NewRecord
from services.runtime.log.postgres import append
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from tests.support.postgres import FreshDatabase

AT = datetime(2026, 1, 1, tzinfo=UTC)
WRITES = [
    "insert into log.records values ('t', 0, 0, gen_random_uuid(), '', '', timestamptz '2026-01-01')",
    "update log.records set value = ''",
    "delete from log.records",
    "truncate log.records",
    "insert into log.heads values ('t', 0, 5)",
    "update log.heads set next_offset = 0",
    "delete from log.heads",
    "update log.identity set log_id = gen_random_uuid()",
    "alter table log.records disable trigger all",
    "create or replace function log.append() returns void language sql as ''",
]


@pytest.mark.parametrize("statement", WRITES)
@pytest.mark.parametrize("role", ["service", "vault"])
def test_services_cannot_write_past_the_function(
    fresh_database: FreshDatabase, statement: str, role: str
) -> None:
    """Neither services nor the vault may change, remove or forge a record, a head or the log's id."""
    dsn = fresh_database.dsn if role == "service" else fresh_database.vault_dsn
    with (
        psycopg.connect(dsn, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_vault_cannot_append(fresh_database: FreshDatabase) -> None:
    """The role that holds keys has no business in the log."""
    with (
        psycopg.connect(fresh_database.vault_dsn, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(
            "select * from log.append('{}', '{}', '{}', '{}', '{}', timestamptz '2026-01-01', false)"
        )


async def test_batches_in_opposite_order_do_not_deadlock(fresh_database: FreshDatabase) -> None:
    """Writers that name the same partitions in opposite order all get through."""
    pool = await asyncpg.create_pool(fresh_database.dsn, min_size=4, max_size=4)
    records = [NewRecord(topic, UUID(int=n), b"") for topic in ("b", "a") for n in range(24)]

    async def write(batch: list[NewRecord]) -> None:
        for _ in range(20):
            async with pool.acquire() as connection, connection.transaction():
                await append(connection, batch, AT, notify=False)

    await asyncio.gather(*(write(batch) for batch in (records, records[::-1]) * 2))
    assert await pool.fetchval("select sum(next_offset) from log.heads") == 4 * 20 * 48
    assert await pool.fetchval("select count(*) from log.records") == 4 * 20 * 48
    await pool.close()


async def test_record_time_is_the_clocks(fresh_database: FreshDatabase) -> None:
    """The database's own clock decides nothing."""
    moment = datetime(1999, 12, 31, 23, 59, 59, 123456, tzinfo=UTC)
    store = await PostgresStore.connect(fresh_database.dsn, ManualClock(moment), Wake())
    async with store.unit_of_work() as work:
        work.emit(NewRecord("case-events", UUID(int=1), b""))
    assert await store.pool.fetchval("select appended_at from log.records") == moment
    await store.close()

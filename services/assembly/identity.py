"""Which instance a database is: made once, kept beside the data."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from contracts.ids import Random, new_id
from services.runtime.store.postgres import PostgresStore


async def instance_id(store: PostgresStore, name: str, random: Random, *, demo: bool) -> UUID:
    """The instance id of this database; minted at the first start. Once a demo, always a demo."""
    async with store.unit_of_work() as work:
        connection: Any = work.connection
        await connection.execute(
            "insert into runtime.instance (instance_id, name, demo) values ($1, $2, $3)"
            " on conflict (only_row) do update set demo = instance.demo or excluded.demo",
            *(new_id(random, work.now), name, demo),
        )
        found: UUID = await connection.fetchval("select instance_id from runtime.instance")
    return found


def has_instance(dsn: str) -> bool:
    """Whether this migrated database was served before: what it holds is sealed under a keyring that exists."""
    with psycopg.connect(dsn) as connection:
        return connection.execute("select 1 from runtime.instance").fetchone() is not None


async def is_demo(store: PostgresStore) -> bool:
    """Whether demo agencies were ever enrolled here: their tokens lie in the clear and stay valid."""
    async with store.unit_of_work() as work:
        found: bool | None = await work.connection.fetchval("select demo from runtime.instance")
    return bool(found)

"""How far a consumer has got, whichever processes it runs in: read from its stored positions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.runtime.log import partition_of
from services.runtime.store.postgres import PostgresStore

# One statement: a record that is parked between two would be seen by neither.
_KNOWN = """
    select exists (select 1 from runtime.parked_keys where consumer = $1 and key = $2) as parked,
           coalesce((select applied_offset from runtime.positions
                      where consumer = $1 and topic = $3 and partition = $4 and log_id = $5), -1) as applied
"""
_WAITING = """
    select exists (select 1 from log.records
                    where topic = $1 and partition = $2 and key = $3 and "offset" > $4)
"""


async def unapplied(
    connection: Any, consumer: str, topic: str, key: UUID, consumers: Any = None
) -> tuple[bool, bool]:
    """Of a key's records in a log: whether some are parked at ``consumer``, and whether some still await it.

    Args:
        connection: to the log's database.
        consumers: to the consumer's own; None: the same.
    """
    its = connection if consumers is None else consumers
    partition = partition_of(key)
    log_id = await connection.fetchval("select log_id from log.identity")
    known = await its.fetchrow(_KNOWN, consumer, key, topic, partition, log_id)
    return known["parked"], await connection.fetchval(_WAITING, topic, partition, key, known["applied"])


async def applied_offsets(
    connection: Any, consumer: str, topic: str, log_id: UUID | None = None
) -> dict[int, int]:
    """How far a consumer has got in a log, by partition, whichever process it runs in.

    Args:
        connection: to the consumer's database.
        log_id: None: the log of that database.
    """
    rows = await connection.fetch(
        "select partition, applied_offset from runtime.positions where consumer = $1 and topic = $2"
        " and log_id = coalesce($3, (select log_id from log.identity))",
        *(consumer, topic, log_id),
    )
    return {row["partition"]: row["applied_offset"] for row in rows}


async def behind(store: PostgresStore, consumer: str, topics: Collection[str]) -> int:
    """How many records of its own database's log a consumer has not applied, whichever processes it runs in."""
    waiting = 0
    async with store.pool.acquire() as connection:
        for topic in topics:
            applied = await applied_offsets(connection, consumer, topic)
            heads = await store.log.heads(topic)
            waiting += sum(max(0, head - applied.get(partition, -1)) for partition, head in heads.items())
    return waiting

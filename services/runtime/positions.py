"""How far a consumer has got, whichever processes it runs in: read from its stored positions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.runtime.log import partition_of
from services.runtime.store.postgres import PostgresStore

_UNAPPLIED = """
    select exists (select 1 from runtime.parked_keys where consumer = $1 and key = $2) as parked,
           exists (select 1 from log.records r
                    where r.topic = $3 and r.partition = $4 and r.key = $2 and r."offset" > coalesce(
                          (select p.applied_offset from runtime.positions p cross join log.identity i
                            where p.consumer = $1 and p.topic = $3 and p.partition = $4
                              and p.log_id = i.log_id), -1)) as waiting
"""


async def unapplied(connection: Any, consumer: str, topic: str, key: UUID) -> tuple[bool, bool]:
    """Of a key's records: whether some are parked at ``consumer``, and whether some still await it."""
    row = await connection.fetchrow(_UNAPPLIED, consumer, key, topic, partition_of(key))
    return row["parked"], row["waiting"]


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

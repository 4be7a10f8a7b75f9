"""What an operator sees of parked keys, and how she asks for a release.

The release itself runs in the consumer's process, which alone has the step: :func:`request_release` leaves a
mark, and :class:`services.runtime.consumer.ConsumerLoop` looks for it through :class:`Releases`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.runtime.log import LogPosition

_LIST = """
    select k.consumer, k.key, k.error_code, k.parked_at, count(*) as records,
           (array_agg(r.topic order by r.seq))[1] as topic,
           (array_agg(r.partition order by r.seq))[1] as partition,
           (array_agg(r."offset" order by r.seq))[1] as first_offset
      from runtime.parked_keys k join runtime.parked_records r using (consumer, key)
     where $1::text is null or k.consumer = $1
     group by k.consumer, k.key
     order by k.parked_at, k.consumer, k.key
"""
_WAIT = """
    insert into runtime.parked_records (consumer, key, log_id, topic, partition, "offset")
    values ($1, $2, $3, $4, $5, $6) on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """A key that waits for help: since when, why, how many records, and where the first one stands."""

    consumer: str
    key: UUID
    error_code: str
    parked_at: datetime
    records: int
    topic: str
    partition: int
    first_offset: int


async def list_parked(pool: asyncpg.Pool, consumer: str | None = None) -> Sequence[ParkedKey]:
    """Parked keys, longest first; of every consumer unless one is named."""
    return [ParkedKey(*row) for row in await pool.fetch(_LIST, consumer)]


async def request_release(pool: asyncpg.Pool, consumer: str, key: UUID) -> bool:
    """Ask ``consumer`` to try ``key`` again; False if it is not parked."""
    done: str = await pool.execute(
        "update runtime.parked_keys set release_requested = true where consumer = $1 and key = $2",
        *(consumer, key),
    )
    return done == "UPDATE 1"


async def wait_behind(connection: Any, consumer: str, key: UUID, at: LogPosition) -> None:
    """Let a record wait behind its key, which is parked; one that waits already keeps its place."""
    await connection.execute(_WAIT, consumer, key, at.log_id, at.topic, at.partition, at.offset)


class Releases:
    """The marks of one consumer. A mark stays until its key was tried, whatever fails before."""

    def __init__(self, pool: asyncpg.Pool, consumer: str) -> None:
        self._pool, self._consumer = pool, consumer

    async def asked(self) -> Collection[UUID]:
        """Keys whose release was asked for."""
        rows = await self._pool.fetch(
            "select key from runtime.parked_keys where consumer = $1 and release_requested", self._consumer
        )
        return [row["key"] for row in rows]

    async def tried(self, key: UUID) -> None:
        """Take the mark off: what is still parked failed again."""
        await self._pool.execute(
            "update runtime.parked_keys set release_requested = false where consumer = $1 and key = $2",
            *(self._consumer, key),
        )

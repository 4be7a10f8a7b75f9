"""Who owns a partition: a lease with an epoch, in the consumer's own database.

The row of a lease is the row of the position. Taking it raises the epoch, and every step compares the epoch
first, so an owner that lost its lease without noticing cannot commit anything. Expiry alone takes nothing
away: an owner whose lease ran out goes on until another takes the partition.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import asyncpg

LEASE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Ownership:
    """A partition held by an owner, and the newest offset applied there (-1: none)."""

    topic: str
    partition: int
    log_id: UUID
    epoch: int
    applied: int


class Leases(Protocol):
    """Takes, keeps and gives back partitions for one consumer's owners. ``now`` is the caller's clock."""

    async def acquire(
        self, consumer: str, topic: str, partitions: Collection[int], owner: str, now: datetime
    ) -> Sequence[Ownership]:
        """Take those of ``partitions`` that are free, expired or already the owner's; each gets epoch + 1.

        A consumer that never read the topic starts before its first record.
        """
        ...

    async def owned(self, consumer: str, owner: str) -> Sequence[Ownership]:
        """What ``owner`` holds now, with the stored positions: read it after an unknown commit."""
        ...

    async def renew(self, consumer: str, owner: str, now: datetime) -> Sequence[Ownership]:
        """Prolong what ``owner`` still holds and return it. What another took meanwhile is not in it."""
        ...

    async def release(self, consumer: str, owner: str) -> None:
        """Give everything back at once, so that a successor need not wait for the expiry."""
        ...

    async def rewind(self, consumer: str, topic: str, partition: int, applied: int) -> None:
        """Set the position, for an operator's replay. Raises the epoch, so the present owner is fenced."""
        ...


# Sorted, because two owners may take the same rows at once.
_ACQUIRE = """
    with free as (
        select consumer, topic, partition from runtime.positions
         where consumer = $1 and topic = $2 and partition = any($3::smallint[])
           and (owner is null or owner = $4 or lease_until <= $5)
         order by partition for update
    )
    update runtime.positions p
       set owner = $4, lease_until = $6, epoch = p.epoch + 1
      from free f
     where p.consumer = f.consumer and p.topic = f.topic and p.partition = f.partition
    returning p.topic, p.partition, p.log_id, p.epoch, p.applied_offset
"""
_INSERT_MISSING = """
    insert into runtime.positions (consumer, topic, partition, log_id)
    select $1, $2, wanted, i.log_id from unnest($3::smallint[]) as wanted cross join log.identity i
     order by wanted
    on conflict do nothing
"""
_OWNED = """
    select topic, partition, log_id, epoch, applied_offset from runtime.positions
     where consumer = $1 and owner = $2 order by topic, partition
"""
_RENEW = """
    update runtime.positions set lease_until = $3 where consumer = $1 and owner = $2
    returning topic, partition, log_id, epoch, applied_offset
"""
_RELEASE = """
    update runtime.positions set owner = null, lease_until = null where consumer = $1 and owner = $2
"""
_REWIND = """
    update runtime.positions
       set applied_offset = $4, epoch = epoch + 1, owner = null, lease_until = null
     where consumer = $1 and topic = $2 and partition = $3
"""


class PostgresLeases:
    """Leases in ``runtime.positions``. A lease lasts ``lease_seconds`` from its last renewal."""

    def __init__(self, pool: asyncpg.Pool, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._pool = pool
        self._lease = timedelta(seconds=lease_seconds)

    async def acquire(
        self, consumer: str, topic: str, partitions: Collection[int], owner: str, now: datetime
    ) -> Sequence[Ownership]:
        wanted = sorted(partitions)
        await self._pool.execute(_INSERT_MISSING, consumer, topic, wanted)
        rows = await self._pool.fetch(_ACQUIRE, consumer, topic, wanted, owner, now, now + self._lease)
        return _ownerships(rows)

    async def owned(self, consumer: str, owner: str) -> Sequence[Ownership]:
        return _ownerships(await self._pool.fetch(_OWNED, consumer, owner))

    async def renew(self, consumer: str, owner: str, now: datetime) -> Sequence[Ownership]:
        return _ownerships(await self._pool.fetch(_RENEW, consumer, owner, now + self._lease))

    async def release(self, consumer: str, owner: str) -> None:
        await self._pool.execute(_RELEASE, consumer, owner)

    async def rewind(self, consumer: str, topic: str, partition: int, applied: int) -> None:
        await self._pool.execute(_REWIND, consumer, topic, partition, applied)


def _ownerships(rows: Sequence[Any]) -> list[Ownership]:
    return sorted((Ownership(*row) for row in rows), key=lambda held: (held.topic, held.partition))

"""Who owns a partition: a lease with an epoch, in the consumer's own database.

A partition has one lease, and a position for each log that its records stand in: one process folds them all, or
two would fold one case. Taking the lease raises the epoch, and every step compares the epoch first, so an owner
that lost its lease without noticing cannot commit anything. Expiry alone takes nothing away: an owner whose lease
ran out goes on until another takes the partition.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import asyncpg

LEASE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Ownership:
    """A partition held by an owner, and the newest offset applied there, by log."""

    topic: str
    partition: int
    epoch: int
    applied: Mapping[UUID, int]

    def applied_of(self, log_id: UUID) -> int:
        """The newest offset of a log that was applied; -1: none."""
        return self.applied.get(log_id, -1)


class Leases(Protocol):
    """Takes, keeps and gives back partitions for one consumer's owners. ``now`` is the caller's clock."""

    async def acquire(
        self, consumer: str, topic: str, partitions: Collection[int], owner: str, now: datetime
    ) -> Sequence[Ownership]:
        """Take those of ``partitions`` that are free, expired or already the owner's; each gets epoch + 1.

        A consumer that never read the topic in a log starts before its first record there.
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

    async def rewind(
        self, consumer: str, topic: str, partition: int, applied: int, log_id: UUID | None = None
    ) -> None:
        """Set the position in a log, for an operator's replay. Raises the epoch, so the present owner is fenced.

        Args:
            log_id: None: the log of the consumer's own database.
        """
        ...


# Sorted, because two owners may take the same rows at once.
_ACQUIRE = """
    with free as (
        select consumer, topic, partition from runtime.leases
         where consumer = $1 and topic = $2 and partition = any($3::smallint[])
           and (owner is null or owner = $4 or lease_until <= $5)
         order by partition for update
    )
    update runtime.leases l
       set owner = $4, lease_until = $6, epoch = l.epoch + 1
      from free f
     where l.consumer = f.consumer and l.topic = f.topic and l.partition = f.partition
    returning l.partition
"""
_INSERT_MISSING = """
    insert into runtime.leases (consumer, topic, partition)
    select $1, $2, wanted from unnest($3::smallint[]) as wanted order by wanted
    on conflict do nothing
"""
# The own log's position stands from the start: whoever reads the log under another id is told by it.
_INSERT_POSITIONS = """
    insert into runtime.positions (consumer, topic, partition, log_id)
    select $1, $2, wanted, i.log_id from unnest($3::smallint[]) as wanted cross join log.identity i
     order by wanted
    on conflict do nothing
"""
_OWNED = """
    select l.topic, l.partition, l.epoch, p.log_id, p.applied_offset
      from runtime.leases l left join runtime.positions p using (consumer, topic, partition)
     where l.consumer = $1 and l.owner = $2
"""
_RENEW = "update runtime.leases set lease_until = $3 where consumer = $1 and owner = $2"
_RELEASE = "update runtime.leases set owner = null, lease_until = null where consumer = $1 and owner = $2"
_FENCE = """
    update runtime.leases set epoch = epoch + 1, owner = null, lease_until = null
     where consumer = $1 and topic = $2 and partition = $3
"""
_REWIND = """
    update runtime.positions set applied_offset = $4
     where consumer = $1 and topic = $2 and partition = $3
       and log_id = coalesce($5, (select log_id from log.identity))
"""


class PostgresLeases:
    """Leases in ``runtime.leases``. A lease lasts ``lease_seconds`` from its last renewal."""

    def __init__(self, pool: asyncpg.Pool, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._pool = pool
        self._lease = timedelta(seconds=lease_seconds)

    async def acquire(
        self, consumer: str, topic: str, partitions: Collection[int], owner: str, now: datetime
    ) -> Sequence[Ownership]:
        wanted = sorted(partitions)
        for missing in (_INSERT_MISSING, _INSERT_POSITIONS):
            await self._pool.execute(missing, consumer, topic, wanted)
        rows = await self._pool.fetch(_ACQUIRE, consumer, topic, wanted, owner, now, now + self._lease)
        taken = {row["partition"] for row in rows}
        # Read once the lease is ours: until then its last owner may have gone on.
        held = await self.owned(consumer, owner) if taken else ()
        return [own for own in held if own.topic == topic and own.partition in taken]

    async def owned(self, consumer: str, owner: str) -> Sequence[Ownership]:
        return _ownerships(await self._pool.fetch(_OWNED, consumer, owner))

    async def renew(self, consumer: str, owner: str, now: datetime) -> Sequence[Ownership]:
        await self._pool.execute(_RENEW, consumer, owner, now + self._lease)
        return await self.owned(consumer, owner)

    async def release(self, consumer: str, owner: str) -> None:
        await self._pool.execute(_RELEASE, consumer, owner)

    async def rewind(
        self, consumer: str, topic: str, partition: int, applied: int, log_id: UUID | None = None
    ) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await rewind_on(connection, consumer, topic, partition, applied, log_id)


async def rewind_on(
    connection: Any, consumer: str, topic: str, partition: int, applied: int, log_id: UUID | None = None
) -> None:
    """As :meth:`Leases.rewind`, in the open transaction of ``connection``."""
    await connection.execute(_FENCE, consumer, topic, partition)
    await connection.execute(_REWIND, consumer, topic, partition, applied, log_id)


def _ownerships(rows: Sequence[Any]) -> list[Ownership]:
    """One a partition, of rows of topic, partition, epoch, log id and offset."""
    applied: dict[tuple[str, int, int], dict[UUID, int]] = {}
    for topic, partition, epoch, log_id, offset in rows:
        held = applied.setdefault((topic, partition, epoch), {})
        if log_id is not None:
            held[log_id] = offset
    return [Ownership(*place, offsets) for place, offsets in sorted(applied.items())]

"""Units of work in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import asyncpg

from services.runtime.clock import Clock
from services.runtime.lease import LEASE_SECONDS
from services.runtime.log import LogPosition, NewRecord, StoredRecord, check_size
from services.runtime.log.postgres import PostgresLogReader, append
from services.runtime.parking import wait_behind
from services.runtime.store.port import Advance, CommitUnknown, FencedError, ParkedRecord
from services.runtime.wake import Wake

# Sorted like every other lock, so that a zombie and its successor wait for each other instead of deadlocking.
# A log that was never read has no position yet.
_ADVANCE = """
    with wanted as (
        select *
          from unnest($1::text[], $2::text[], $3::smallint[], $4::uuid[], $5::bigint[], $6::bigint[],
                      $7::bigint[])
               as w(consumer, topic, partition, log_id, epoch, applied_offset, to_offset)
    ), held as (
        select l.consumer, l.topic, l.partition, w.log_id, w.applied_offset, w.to_offset
          from runtime.leases l
          join wanted w using (consumer, topic, partition, epoch)
         order by l.consumer, l.topic, l.partition
           for no key update of l
    ), moved as (
        update runtime.positions p set applied_offset = h.to_offset
          from held h
         where (p.consumer, p.topic, p.partition, p.log_id) = (h.consumer, h.topic, h.partition, h.log_id)
           and p.applied_offset = h.applied_offset
        returning 1
    ), begun as (
        insert into runtime.positions (consumer, topic, partition, log_id, applied_offset)
        select h.consumer, h.topic, h.partition, h.log_id, h.to_offset from held h
         where h.applied_offset = -1 and not exists (
               select 1 from runtime.positions p
                where (p.consumer, p.topic, p.partition, p.log_id) = (h.consumer, h.topic, h.partition, h.log_id))
        on conflict do nothing
        returning 1
    )
    select (select count(*) from moved) + (select count(*) from begun)
"""


class PostgresUnitOfWork:
    """See :class:`services.runtime.store.port.UnitOfWork`."""

    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._emitted: list[NewRecord] = []
        self._appended: Sequence[LogPosition] = ()

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def connection(self) -> Any:
        return self._connection

    @property
    def appended(self) -> Sequence[LogPosition]:
        return self._appended

    def emit(self, record: NewRecord) -> None:
        check_size(record)
        self._emitted.append(record)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        emitted_before = len(self._emitted)
        try:
            async with self._connection.transaction():
                yield
        except BaseException:
            del self._emitted[emitted_before:]
            raise

    async def parked_among(self, consumer: str, keys: Collection[UUID]) -> set[UUID]:
        rows = await self._connection.fetch(
            "select key from runtime.parked_keys where consumer = $1 and key = any($2::uuid[])",
            consumer,
            list(keys),
        )
        return {row["key"] for row in rows}

    async def park(self, consumer: str, record: StoredRecord, error_code: str) -> None:
        await self._connection.execute(
            "insert into runtime.parked_keys (consumer, key, error_code, parked_at) values ($1, $2, $3, $4)"
            " on conflict do nothing",
            *(consumer, record.key, error_code, self._now),
        )
        await wait_behind(self._connection, consumer, record.key, record.position)

    async def parked_records(self, consumer: str, key: UUID) -> Sequence[ParkedRecord]:
        rows = await self._connection.fetch(
            'select log_id, topic, partition, "offset" from runtime.parked_records'
            " where consumer = $1 and key = $2 order by seq",
            *(consumer, key),
        )
        return [ParkedRecord(key, LogPosition(*row)) for row in rows]

    async def unpark(self, consumer: str, parked: ParkedRecord) -> None:
        at = parked.position
        await self._connection.execute(
            "delete from runtime.parked_records"
            ' where consumer = $1 and log_id = $2 and topic = $3 and partition = $4 and "offset" = $5',
            *(consumer, at.log_id, at.topic, at.partition, at.offset),
        )
        await self._connection.execute(
            "delete from runtime.parked_keys k where consumer = $1 and key = $2 and not exists"
            " (select 1 from runtime.parked_records r where r.consumer = k.consumer and r.key = k.key)",
            *(consumer, parked.key),
        )

    async def advance(self, advances: Sequence[Advance]) -> None:
        """Compare and set the positions; all or none."""
        columns = zip(
            *((a.consumer, a.topic, a.partition, a.log_id, a.epoch, a.applied, a.to) for a in advances),
            strict=True,
        )
        moved = await self._connection.fetchval(_ADVANCE, *(list(column) for column in columns))
        if moved != len(advances):
            raise FencedError("A partition has another owner or has moved on; nothing was done.")

    async def append_emitted(self, *, notify: bool) -> set[str]:
        """Append what was emitted; returns the topics concerned."""
        if self._emitted:
            self._appended = await append(self._connection, self._emitted, self._now, notify=notify)
        return {record.topic for record in self._emitted}


class PostgresStore:
    """Units of work and the log of one database, over one pool of connections.

    Args:
        pool: connections of the role ``sampan_service``.
        clock: where record time comes from.
        wake: told the topics of each commit.
        notify: also tell other processes, by NOTIFY inside the append.
    """

    def __init__(self, pool: asyncpg.Pool, clock: Clock, wake: Wake, *, notify: bool = False) -> None:
        self.pool = pool
        self.clock = clock
        self.wake = wake
        self.log = PostgresLogReader(pool)
        self._notify = notify

    @classmethod
    async def connect(
        cls, dsn: str, clock: Clock, wake: Wake, *, notify: bool = False, connections_max: int = 10,
        idle_seconds: float = LEASE_SECONDS,
    ) -> Self:  # fmt: skip
        """Open a pool on ``dsn`` (as :meth:`EmbeddedPostgres.dsn` gives it). Close it with :meth:`close`.

        Args:
            idle_seconds: how long a transaction may do nothing before the database ends it. A process that was
                stopped in the middle of a step would else hold its locks against whoever takes its lease.
        """
        settings = {"idle_in_transaction_session_timeout": str(round(idle_seconds * 1000))}
        pool = await asyncpg.create_pool(
            dsn, min_size=1, max_size=connections_max, reset=_keep_session, server_settings=settings
        )
        return cls(pool, clock, wake, notify=notify)

    async def close(self) -> None:
        await self.pool.close()

    @asynccontextmanager
    async def unit_of_work(self, advances: Sequence[Advance] = ()) -> AsyncIterator[PostgresUnitOfWork]:
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                work = PostgresUnitOfWork(connection, self.clock.now())
                if advances:
                    await work.advance(advances)
                yield work
                topics = await work.append_emitted(notify=self._notify)
            except BaseException:
                await _roll_back(transaction, connection)
                raise
            await _commit(transaction)
        if topics:
            self.wake.signal(topics)


async def _keep_session(connection: Any) -> None:
    """asyncpg has ended any open transaction; nothing else is left, since no step changes the session.

    The default sends a statement to reset the session each time, one more round trip per unit of work.
    """


async def _commit(transaction: Any) -> None:
    try:
        await transaction.commit()
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ):
        raise CommitUnknown("The connection broke while committing.") from None


async def _roll_back(transaction: Any, connection: Any) -> None:
    """A broken connection has rolled back by itself, and its error must not hide the first one."""
    if not connection.is_closed():
        try:
            await transaction.rollback()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            connection.terminate()

"""The log, units of work and leases in memory, with the contract of the PostgreSQL ones.

For tests of what stands on the log alone. A unit of work here has no connection: a service whose step speaks
SQL runs on PostgreSQL only.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.runtime.clock import Clock
from services.runtime.lease import LEASE_SECONDS, Ownership
from services.runtime.log import LogPosition, NewRecord, StoredRecord, check_size
from services.runtime.log.memory import MemoryLog
from services.runtime.store.port import Advance, FencedError, ParkedRecord
from services.runtime.wake import Wake

Place = tuple[str, str, int]


@dataclass(slots=True)
class _Lease:
    applied: dict[UUID, int]
    epoch: int = 0
    owner: str | None = None
    lease_until: datetime | None = None


@dataclass(slots=True)
class _State:
    """What PostgreSQL keeps in the schema ``runtime``."""

    leases: dict[Place, _Lease] = field(default_factory=dict)
    parked: dict[tuple[str, UUID], list[ParkedRecord]] = field(default_factory=dict)

    def matches(self, advance: Advance) -> bool:
        found = self.leases.get((advance.consumer, advance.topic, advance.partition))
        return found is not None and (found.epoch, found.applied.get(advance.log_id, -1)) == (
            advance.epoch, advance.applied
        )  # fmt: skip


class MemoryUnitOfWork:
    """See :class:`services.runtime.store.port.UnitOfWork`."""

    def __init__(self, now: datetime, parked: dict[tuple[str, UUID], list[ParkedRecord]]) -> None:
        self._now = now
        self.parked = parked
        self.emitted: list[NewRecord] = []
        self.appended: Sequence[LogPosition] = ()

    @property
    def now(self) -> datetime:
        return self._now

    @property
    def connection(self) -> Any:
        raise TypeError("the memory backend has no connection; this step needs PostgreSQL")

    def emit(self, record: NewRecord) -> None:
        check_size(record)
        self.emitted.append(record)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        parked, emitted = copy.deepcopy(self.parked), list(self.emitted)
        try:
            yield
        except BaseException:
            self.parked, self.emitted = parked, emitted
            raise

    async def parked_among(self, consumer: str, keys: Collection[UUID]) -> set[UUID]:
        return {key for key in keys if (consumer, key) in self.parked}

    async def park(self, consumer: str, record: StoredRecord, error_code: str) -> None:
        waiting = ParkedRecord(record.key, record.position)
        queue = self.parked.setdefault((consumer, record.key), [])
        if waiting not in queue:
            queue.append(waiting)

    async def parked_records(self, consumer: str, key: UUID) -> Sequence[ParkedRecord]:
        return list(self.parked.get((consumer, key), ()))

    async def unpark(self, consumer: str, parked: ParkedRecord) -> None:
        queue = self.parked[consumer, parked.key]
        queue.remove(parked)
        if not queue:
            del self.parked[consumer, parked.key]


class MemoryStore:
    """See :class:`services.runtime.store.port.Store`. Consumers' units of work run one after the other."""

    def __init__(self, clock: Clock, wake: Wake, log_id: UUID) -> None:
        self.clock = clock
        self.wake = wake
        self.log = MemoryLog(log_id)
        self.state = _State()
        self._one_consumer = asyncio.Lock()

    @asynccontextmanager
    async def unit_of_work(self, advances: Sequence[Advance] = ()) -> AsyncIterator[MemoryUnitOfWork]:
        if not advances:
            work = MemoryUnitOfWork(self.clock.now(), {})
            yield work
            self._append(work)
            return
        async with self._one_consumer:
            self._check(advances)
            work = MemoryUnitOfWork(self.clock.now(), copy.deepcopy(self.state.parked))
            yield work
            self._check(advances)  # a lease may have been taken meanwhile
            self._commit(work, advances)

    def _check(self, advances: Sequence[Advance]) -> None:
        if not all(self.state.matches(advance) for advance in advances):
            raise FencedError("A partition has another owner or has moved on; nothing was done.")

    def _commit(self, work: MemoryUnitOfWork, advances: Sequence[Advance]) -> None:
        for done in advances:
            self.state.leases[done.consumer, done.topic, done.partition].applied[done.log_id] = done.to
        self.state.parked = work.parked
        self._append(work)

    def _append(self, work: MemoryUnitOfWork) -> None:
        work.appended = self.log.append(work.emitted, work.now)
        if work.emitted:
            self.wake.signal({record.topic for record in work.emitted})


class MemoryLeases:
    """See :class:`services.runtime.lease.Leases`."""

    def __init__(self, store: MemoryStore, *, lease_seconds: float = LEASE_SECONDS) -> None:
        self._store = store
        self._lease = timedelta(seconds=lease_seconds)

    async def acquire(
        self, consumer: str, topic: str, partitions: Collection[int], owner: str, now: datetime
    ) -> Sequence[Ownership]:
        taken = []
        for partition in sorted(partitions):
            place = (consumer, topic, partition)
            held = self._store.state.leases.setdefault(place, _Lease({await self._store.log.log_id(): -1}))
            if held.owner in (None, owner) or (held.lease_until is not None and held.lease_until <= now):
                held.owner, held.lease_until, held.epoch = owner, now + self._lease, held.epoch + 1
                taken.append(_ownership(place, held))
        return taken

    async def owned(self, consumer: str, owner: str) -> Sequence[Ownership]:
        return [_ownership(place, held) for place, held in self._held(consumer, owner)]

    async def renew(self, consumer: str, owner: str, now: datetime) -> Sequence[Ownership]:
        for _, held in self._held(consumer, owner):
            held.lease_until = now + self._lease
        return await self.owned(consumer, owner)

    async def release(self, consumer: str, owner: str) -> None:
        for _, held in self._held(consumer, owner):
            held.owner = held.lease_until = None

    async def rewind(
        self, consumer: str, topic: str, partition: int, applied: int, log_id: UUID | None = None
    ) -> None:
        held = self._store.state.leases[consumer, topic, partition]
        held.applied[log_id or await self._store.log.log_id()] = applied
        held.epoch, held.owner, held.lease_until = held.epoch + 1, None, None

    def _held(self, consumer: str, owner: str) -> list[tuple[Place, _Lease]]:
        return sorted(
            (
                (place, held)
                for place, held in self._store.state.leases.items()
                if place[0] == consumer and held.owner == owner
            ),
            key=lambda found: found[0],
        )


def _ownership(place: Place, held: _Lease) -> Ownership:
    _, topic, partition = place
    return Ownership(topic, partition, held.epoch, dict(held.applied))

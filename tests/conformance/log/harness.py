"""What the contract of the log is tested with: a backend, and edges that fail on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

from services.runtime.clock import ManualClock
from services.runtime.consumer import ConsumerLoop, Step
from services.runtime.lease import Leases
from services.runtime.log import LogReader, NewRecord, StoredRecord, partition_of
from services.runtime.store import Advance, CommitUnknown, Store, UnitOfWork
from services.runtime.wake import Wake

TOPIC = "case-events"
OUTPUT = "decisions"
NAME = "router"


class ProcessKilled(BaseException):
    """Stands for SIGKILL: nothing after it runs, and nothing may catch it."""


@dataclass
class Backend:
    """One log with its units of work and leases, on a clock that stands still."""

    store: Store
    log: LogReader
    leases: Leases
    clock: ManualClock
    wake: Wake
    append_slowly: Callable[[Sequence[NewRecord], int], Awaitable[None]]
    """Appends in a transaction that stays open for so many round trips after taking its offsets."""

    async def append(self, records: Sequence[NewRecord]) -> None:
        async with self.store.unit_of_work() as work:
            for record in records:
                work.emit(record)

    async def all_of(self, topic: str) -> list[StoredRecord]:
        heads = await self.log.heads(topic)
        return list(await self.log.read_many(topic, dict.fromkeys(heads, -1), 100_000))

    def consumer(
        self,
        step: Step,
        *,
        owner: str = "first",
        name: str = NAME,
        store: Store | None = None,
        log: LogReader | None = None,
        alarm: Callable[[Exception], None] = lambda error: None,
        batch_max: int = 256,
    ) -> ConsumerLoop:
        return ConsumerLoop(
            name,
            [TOPIC],
            step,
            store=store or self.store,
            leases=self.leases,
            log=log or self.log,
            clock=self.clock,
            wake=self.wake,
            owner=owner,
            alarm=alarm,
            batch_max=batch_max,
        )


def key_number(number: int) -> UUID:
    """A key that is the same in every run."""
    return UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)


def same_partition_keys(wanted: int) -> list[UUID]:
    """Different keys that share one partition."""
    first = partition_of(key_number(1))
    found = [key_number(n) for n in range(1, 2000) if partition_of(key_number(n)) == first]
    return found[:wanted]


def numbered(key: UUID, numbers: Sequence[int]) -> list[NewRecord]:
    return [NewRecord(TOPIC, key, str(number).encode()) for number in numbers]


async def copy_to_output(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
    """A step whose effect can be counted: one record out for each record in."""
    for record in records:
        work.emit(NewRecord(OUTPUT, record.key, record.value))


@dataclass
class CrashingStore:
    """Lets the process die, or the line break, once, at a chosen moment of the first unit of work."""

    inner: Store
    seam: str
    error: BaseException = field(default_factory=ProcessKilled)
    armed: bool = True

    @asynccontextmanager
    async def unit_of_work(self, advances: Sequence[Advance] = ()) -> AsyncIterator[UnitOfWork]:
        self._maybe("before begin")
        async with self.inner.unit_of_work(advances) as work:
            self._maybe("position set")
            yield work
            self._maybe("step done")
        self._maybe("committed")

    def _maybe(self, moment: str) -> None:
        if self.armed and moment == self.seam:
            self.armed = False
            raise self.error


def line_breaks(inner: Store, seam: str) -> CrashingStore:
    return CrashingStore(inner, seam, CommitUnknown("The connection broke while committing."))


@dataclass
class FaultyReader:
    """A reader that gives back the records of ``tamper``: duplicated, with holes, or of another log."""

    inner: LogReader
    tamper: Callable[[list[StoredRecord]], list[StoredRecord]]

    async def log_id(self) -> UUID:
        return await self.inner.log_id()

    async def head(self, topic: str, partition: int) -> int:
        return await self.inner.head(topic, partition)

    async def heads(self, topic: str) -> Mapping[int, int]:
        return await self.inner.heads(topic)

    async def read(self, topic: str, partition: int, after_offset: int, limit: int) -> Sequence[StoredRecord]:
        return self.tamper(list(await self.inner.read(topic, partition, after_offset, limit)))

    async def read_many(
        self, topic: str, after_offsets: Mapping[int, int], limit_each: int
    ) -> Sequence[StoredRecord]:
        return self.tamper(list(await self.inner.read_many(topic, after_offsets, limit_each)))

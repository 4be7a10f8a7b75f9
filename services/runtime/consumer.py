"""Reads a log in order and applies each record once: position, state and emitted records in one transaction.

The promise is at least once, with fencing: a step may run again after a failure, but what it did counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from services.runtime.batch import Batch, Step
from services.runtime.clock import Clock
from services.runtime.failures import GapError, LogReplacedError, error_code, is_transient, raised_at
from services.runtime.followed import Followed, Others, is_replaced, nobody_else
from services.runtime.lease import LEASE_SECONDS, Leases, Ownership
from services.runtime.log import PARTITIONS, LogReader, StoredRecord, partition_of
from services.runtime.parking import Releases
from services.runtime.store.port import Advance, Store
from services.runtime.wake import POLL_SECONDS, Wake

__all__ = ["BATCH_MAX", "ConsumerLoop", "Prepare", "Step"]

Prepare = Callable[[Sequence[StoredRecord]], Awaitable[None]]

BATCH_MAX = 256
_TRIES = 5
_BACKOFF_SECONDS = 0.1
_BACKOFF_SECONDS_MAX = 5.0
_DOUBLINGS_MAX = 10
"""A thousand failures must not overflow what they are the exponent of."""
_log = structlog.get_logger(__name__)


class ConsumerLoop:
    """One consumer of ``topics``.

    Args:
        name: the consumer's name, under which its positions are kept.
        topics: what it reads, in this order.
        step: applies records inside the open unit of work. Records of one key come in order; one batch may
            hold records of several partitions, all of one topic. After a failure it is called again with the
            same records, so what it does must live in the unit of work alone.
        store, leases, log, clock, wake: the edges; ``log`` is that of the store's own database.
        others: the logs of other databases in which ``topics`` stand too.
        owner: a name that no other process uses.
        partitions: the partitions that this shard may own.
        alarm: told of a gap or a replaced log.
        prepare: done with a batch before its unit of work begins, and again after a failure: what cannot be undone
            and may be repeated, such as a sending. A process that is paused in it holds no lock.
        releases: the keys whose release an operator asked for; taken off the list once they were tried.
    """

    def __init__(
        self,
        name: str,
        topics: Sequence[str],
        step: Step,
        *,
        store: Store,
        leases: Leases,
        log: LogReader,
        clock: Clock,
        wake: Wake,
        owner: str,
        others: Others = nobody_else,
        partitions: Collection[int] = range(PARTITIONS),
        alarm: Callable[[Exception], None] = lambda error: None,
        prepare: Prepare | None = None,
        releases: Releases | None = None,
        batch_max: int = BATCH_MAX,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.name = name
        self.topics = tuple(topics)
        self._store, self._leases, self._logs = store, leases, Followed(log, others)
        self._clock, self._wake, self._owner = clock, wake, owner
        self._batch = Batch(name, step)
        self._partitions = frozenset(partitions)
        self._alarm = alarm
        self._prepare = prepare
        self._releases = releases
        self._batch_max = batch_max
        self._renew_every = timedelta(seconds=lease_seconds / 3)
        self._owned: dict[tuple[str, int], Ownership] = {}
        self._heads: dict[tuple[str, UUID], Mapping[int, int]] = {}
        self._renewed_at: datetime | None = None
        self._asked_at = datetime.min.replace(tzinfo=UTC)
        self._busy = asyncio.Lock()

    async def run_once(self) -> int:
        """Apply everything that waits now, once; returns how many records were handled, parked ones included.

        A passing failure is tried again a few times.

        Raises:
            GapError, LogReplacedError: the log cannot be followed; nothing was skipped.
            Exception: a passing failure that did not pass.
        """
        async with self._busy:
            await self._keep_leases()
            handled = 0
            for topic in self.topics:
                for log_id in await self._logs.now():
                    handled += await self._catch_up(topic, log_id)
            return handled

    async def run(self, stop: asyncio.Event) -> None:
        """Apply records as they come until ``stop`` is set, then give the partitions back."""
        failures = 0
        while not stop.is_set():
            seen = self._wake.seen(self.topics)
            try:
                await self._release_requested()
                handled = await self.run_once()
                failures = 0
            except Exception as error:  # noqa: BLE001 (a consumer outlives its errors; it skips nothing)
                failures += 1
                self._warn("consumer_retries", error)
                await self._back_off(failures)
                continue
            if not handled:
                await self._wait(seen, stop)
        await self._leases.release(self.name, self._owner)
        self._forget_leases()

    @property
    def follows(self) -> LogReader:
        """How it reads its own database's log."""
        return self._logs.own

    @property
    def owns_all(self) -> bool:
        """Whether every partition is this process's to follow: then what it has applied is all there is."""
        return len(self._owned) == len(self.topics) * PARTITIONS

    async def behind_others(self) -> int:
        """How many records of other databases' logs wait in the partitions held here, as of the last look at them."""
        own_id = await self._logs.own_id()
        return sum(
            max(0, heads.get(own.partition, -1) - own.applied_of(log_id))
            for (topic, log_id), heads in self._heads.items()
            if log_id != own_id
            for own in self._owned.values()
            if own.topic == topic
        )

    async def release_parked(self, key: UUID) -> int:
        """Apply what waits behind ``key``, in order; returns how many records it was.

        Stops at the first that fails again; that one and the later ones stay parked. Does nothing where the key
        is another process's.
        """
        async with self._busy:
            await self._keep_leases()
            released = 0
            while done := await self._release_some(key):
                released += done
            return released

    def _held(self, key: UUID) -> list[Ownership]:
        partition = partition_of(key)
        return [own for own in self._owned.values() if own.partition == partition]

    async def _release_some(self, key: UUID) -> int:
        # From a position to itself: fenced like any step, and no new record of the key comes in between.
        held = self._held(key)
        if not held:
            return 0
        log_id = await self._logs.own_id()
        advances = [self._advance(own, log_id, own.applied_of(log_id)) for own in held]
        async with self._store.unit_of_work(advances) as work:
            return await self._batch.released(work, key, await self._logs.now(), self._batch_max)

    async def _release_requested(self) -> None:
        """Look at most once per poll interval, so that it costs a busy consumer nothing."""
        now = self._clock.now()
        if self._releases is None or abs(now - self._asked_at) < timedelta(seconds=POLL_SECONDS):
            return
        self._asked_at = now
        for key in await self._releases.asked():
            await self.release_parked(key)
            if self._held(key):
                await self._releases.tried(key)

    async def _catch_up(self, topic: str, log_id: UUID) -> int:
        """Apply ``topic`` of one log up to its present heads."""
        followed = await self._logs.now()
        log = followed[log_id]
        heads = self._heads[topic, log_id] = await log.heads(topic)
        handled = failures = gaps = 0
        while behind := self._behind(topic, log_id, heads, followed):
            read = await log.read_many(topic, behind, max(1, self._batch_max // len(behind)))
            records, gap = self._in_sequence(topic, log_id, behind, read)
            gaps = gaps + 1 if gap is not None else 0
            if gap is not None and gaps > 1:
                raise gap
            try:
                if records:
                    handled += await self._commit(log_id, records)
                failures = 0
            except Exception as error:
                failures += 1
                if not is_transient(error) or failures >= _TRIES:
                    raise
                await self._back_off(failures)
                handled += await self._read_positions()
            await self._keep_leases()
        return handled

    def _behind(
        self, topic: str, log_id: UUID, heads: Mapping[int, int], followed: Mapping[UUID, LogReader]
    ) -> dict[int, int]:
        """The offset applied last, by partition, where the log is ahead of us."""
        ahead = [
            own
            for own in self._owned.values()
            if own.topic == topic and own.applied_of(log_id) < heads.get(own.partition, -1)
        ]
        if any(is_replaced(own, log_id, followed) for own in ahead):
            raise self._alarmed(_replaced(topic))
        return {own.partition: own.applied_of(log_id) for own in ahead}

    def _in_sequence(
        self, topic: str, log_id: UUID, behind: Mapping[int, int], read: Sequence[StoredRecord]
    ) -> tuple[list[StoredRecord], GapError | None]:
        """The records that follow what is applied, and the gap that ended the sequence, if any.

        A lower offset is a duplicate and dropped; a higher one is a gap: alarmed, never stepped over.
        """
        applied = dict(behind)
        following: list[StoredRecord] = []
        gap = None if read else GapError(f"{topic}: the log has a head but gives no record.")
        for record in read:
            at = record.position
            if at.log_id != log_id:
                raise self._alarmed(_replaced(topic))
            if at.offset == applied[at.partition] + 1:
                applied[at.partition] = at.offset
                following.append(record)
            elif at.offset > applied[at.partition]:
                gap = GapError(
                    f"{topic}/{at.partition}: offset {at.offset} came after {applied[at.partition]}."
                )
        if gap is not None:
            self._alarmed(gap)
        return following, gap

    async def _commit(self, log_id: UUID, records: Sequence[StoredRecord]) -> int:
        """Apply ``records`` together, or one by one if that fails for good."""
        if self._prepare is not None:
            await self._prepare(records)
        last = {record.position.partition: record.position for record in records}
        advances = [
            self._advance(self._owned[at.topic, at.partition], log_id, at.offset) for at in last.values()
        ]
        try:
            async with self._store.unit_of_work(advances) as work:
                await self._batch.together(work, records)
        except Exception as error:
            if is_transient(error):
                raise
            async with self._store.unit_of_work(advances) as work:
                await self._batch.one_by_one(work, records)
        for advance in advances:
            self._set_applied(advance)
        return len(records)

    def _advance(self, own: Ownership, log_id: UUID, to: int) -> Advance:
        return Advance(self.name, own.topic, own.partition, log_id, own.epoch, own.applied_of(log_id), to)

    def _set_applied(self, done: Advance) -> None:
        place = (done.topic, done.partition)
        self._owned[place] = Ownership(
            *place, done.epoch, {**self._owned[place].applied, done.log_id: done.to}
        )

    async def _keep_leases(self) -> None:
        """Renew in time what is held, and take what is free."""
        now = self._clock.now()
        if self._renewed_at is not None and abs(now - self._renewed_at) < self._renew_every:
            return
        held = list(await self._leases.renew(self.name, self._owner, now))
        for topic in self.topics:
            missing = self._partitions - {own.partition for own in held if own.topic == topic}
            if missing:
                held += await self._leases.acquire(self.name, topic, missing, self._owner, now)
        self._hold(held)
        self._renewed_at = now

    async def _read_positions(self) -> int:
        """Trust what is stored after a failure; returns how many records an unknown commit did apply."""
        before = self._owned
        self._hold(await self._leases.owned(self.name, self._owner))
        self._renewed_at = None  # what was lost may be free again
        return sum(
            max(0, applied - before[place].applied_of(log_id))
            for place, own in self._owned.items()
            if place in before and own.epoch == before[place].epoch
            for log_id, applied in own.applied.items()
        )

    def _hold(self, held: Sequence[Ownership]) -> None:
        mine = (own for own in held if own.topic in self.topics and own.partition in self._partitions)
        self._owned = {(own.topic, own.partition): own for own in mine}

    def _forget_leases(self) -> None:
        self._owned = {}
        self._renewed_at = None

    async def _back_off(self, failures: int) -> None:
        doublings = min(failures - 1, _DOUBLINGS_MAX)
        await self._clock.sleep(min(_BACKOFF_SECONDS * 2**doublings, _BACKOFF_SECONDS_MAX))

    async def _wait(self, seen: int, stop: asyncio.Event) -> None:
        waiting = {
            asyncio.ensure_future(self._wake.wait(self.topics, seen, timeout_seconds=POLL_SECONDS)),
            asyncio.ensure_future(stop.wait()),
        }
        _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()

    def _alarmed(self, error: GapError | LogReplacedError) -> GapError | LogReplacedError:
        self._warn("log_alarm", error)
        self._alarm(error)
        return error

    def _warn(self, event: str, error: Exception) -> None:
        _log.warning(event, consumer=self.name, code=error_code(error), raised_at=raised_at(error))


def _replaced(topic: str) -> LogReplacedError:
    return LogReplacedError(f"{topic}: the log was replaced; nothing was applied.")

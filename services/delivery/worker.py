"""The worker: claims due lanes, lets the edge open and send, records what came of it.

    claim and record the opening  →  commit  →  the call  →  record the outcome  →  commit

A crash between the two commits leaves a claim without an outcome: unknown, never assumed failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from adapters.exchange import Verdict
from contracts.errors import SampanError
from contracts.ids import Random, new_id
from contracts.records import DeliveryEvent, RunningEvent
from contracts.topic_names import DISPATCHES
from services.delivery import lanes, store
from services.delivery.events import delivery_record
from services.delivery.lanes import CLAIM_SECONDS, Claim
from services.delivery.retry import delay_seconds, exhausted
from services.delivery.store import StoredDispatch
from services.edge.perform import Performer, Ready, Ticket, perform
from services.runtime.clock import Clock
from services.runtime.failures import error_code, is_transient, raised_at
from services.runtime.log.findings import finding_record
from services.runtime.log.port import NewRecord
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake

_BATCH: Final = 16
_POLL_SECONDS: Final = 1.0
_AT_ONCE: Final = 64
"""Attempts under way in one process: a system that hangs holds up its own lanes and not the others'."""
_CALL_SECONDS_MAX: Final = CLAIM_SECONDS - 15.0
"""A whole conversation ends well before its claim, or a second worker would repeat what is still running."""
_GRACE_SECONDS: Final = 3.0
"""How long calls may go on after the stop; what is cut then is unknown, as after a crash."""
_CLOSED: Final = frozenset({"gate-closed", "grant-expired", "erased"})
"""Refusals of the vault after which nobody is to be told by another way either: no failure is reported."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt under way."""

    attempt_id: UUID
    claim: Claim
    dispatch: StoredDispatch
    ready: Ready


class Worker:
    """Works the lanes of one process.

    Args:
        owner: a name that no other process uses.
        uniform: jitter, ``random.Random().uniform``.
    """

    def __init__(
        self,
        store_: PostgresStore,
        performer: Performer,
        owner: str,
        random: Random,
        uniform: Callable[[float, float], float],
    ) -> None:
        self._store, self._performer, self._owner = store_, performer, owner
        self._random, self._uniform = random, uniform

    async def run_once(self) -> int:
        """Attempt everything that is due now, once; returns how many attempts were made."""
        attempts = await self._claim(_BATCH)
        await asyncio.gather(*(self._attempt(attempt) for attempt in attempts))
        return len(attempts)

    async def run(self, stop: asyncio.Event, wake: Wake, clock: Clock) -> None:
        """Attempt what is due until ``stop`` is set."""
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            seen = wake.seen([DISPATCHES])
            free = min(_BATCH, _AT_ONCE - len(running))
            try:
                attempts = await self._claim(free) if free else []
            except Exception as error:  # noqa: BLE001 (a worker outlives its errors; claims tell the rest)
                _log.warning("delivery_retries", error=error_code(error), at=raised_at(error))
                await clock.sleep(_POLL_SECONDS)
                continue
            for attempt in attempts:
                task = asyncio.create_task(self._attempt_logged(attempt))
                running.add(task)
                task.add_done_callback(running.discard)
            if not attempts:
                await wake.wait([DISPATCHES], seen, timeout_seconds=_POLL_SECONDS)
        await _ended(running)

    async def next_at(self) -> datetime | None:
        """When the next lane wants an attempt."""
        async with self._store.pool.acquire() as connection:
            return await lanes.next_due_at(connection)

    async def _claim(self, limit: int) -> list[Attempt]:
        """One transaction: take lanes, open what goes out, record attempts and openings."""
        async with self._store.unit_of_work() as work:
            claims = await lanes.claim(work.connection, self._owner, work.now, limit)
            rows = await store.load(work.connection, {held.dispatch_id for held in claims})
            cursors = await store.cursors(work.connection, rows)
            attempts = []
            for held in claims:
                row = rows[held.dispatch_id]
                ready = await self._prepare(work, held, row, cursors[held.dispatch_id])
                attempts.append(Attempt(new_id(self._random, work.now), held, row, ready))
                if ready.opened:
                    work.emit(self._event("DisclosureMade", attempts[-1], work.now))
            if attempts:
                await lanes.start_attempts(
                    work.connection, [(a.attempt_id, a.claim) for a in attempts], work.now
                )
        return attempts

    async def _prepare(self, work: Any, held: Claim, row: StoredDispatch, cursor: int) -> Ready:
        """A refusal of the vault or of our mapping is an outcome, and no other lane's trouble."""
        ticket = Ticket(
            dispatch_id=row.dispatch_id,
            subject_id=row.subject_id,
            case_id=row.case_id,
            recipient=row.recipient,
            alias=row.alias,
            cursor=cursor,
            channel=held.channel,
            recall=held.what == "recall",
            sealed=row.sealed,
            narrowed=row.narrowed,
        )
        try:
            async with work.savepoint():
                return await self._performer.prepare(work.connection, ticket, work.now)
        except SampanError as error:
            verdict = Verdict(
                "later" if error.retryable else "refused", error.code, error.field, error.remedy
            )
            return Ready(verdict, None, opened=False)
        except Exception as error:
            if is_transient(error):
                raise
            # A fault of ours in one document: its lane tries again and parks, and stops nobody else.
            _log.error("delivery_not_prepared", error=error_code(error), at=raised_at(error))
            return Ready(Verdict("later", "internal"), None, opened=False)

    async def _attempt(self, attempt: Attempt) -> None:
        try:
            async with asyncio.timeout(_CALL_SECONDS_MAX):
                verdict = await perform(attempt.ready)
        except SampanError as error:
            verdict = Verdict("later" if error.retryable else "refused", error.code)
        except Exception as error:  # noqa: BLE001 (what was sent before the fault is not known)
            _log.error("delivery_broke_off", error=error_code(error), at=raised_at(error))
            verdict = Verdict("unknown", "timeout" if isinstance(error, TimeoutError) else "internal")
        await self._record(attempt, verdict)

    async def _attempt_logged(self, attempt: Attempt) -> None:
        """An outcome that cannot be recorded leaves its claim: unknown, and tried again when it has run out."""
        try:
            await self._attempt(attempt)
        except Exception as error:  # noqa: BLE001
            _log.warning("delivery_outcome_lost", error=error_code(error), at=raised_at(error))

    async def _record(self, attempt: Attempt, verdict: Verdict) -> None:
        """The third transaction: what came of it. A claim that was lost meanwhile changes nothing."""
        held, row = attempt.claim, attempt.dispatch
        async with self._store.unit_of_work() as work:
            await lanes.end_attempt(
                work.connection, attempt.attempt_id, verdict.state, verdict.code, work.now
            )
            if not await lanes.holds(work.connection, held, self._owner):
                return
            kind = "Delivered" if verdict.state == "delivered" else "Refused"
            if verdict.state == "delivered":
                await lanes.finish(work.connection, held, "done", work.now)
            elif verdict.state == "refused" and verdict.code in _CLOSED:
                await lanes.finish(work.connection, held, "dropped", work.now)
            elif verdict.state == "refused":
                await lanes.finish(work.connection, held, "refused", work.now)
                work.emit(self._failed(row, work.now))
            else:
                kind = await self._again(work, held, row, verdict)
            work.emit(self._event(kind, attempt, work.now, verdict.code))

    async def _again(self, work: Any, held: Claim, row: StoredDispatch, verdict: Verdict) -> str:
        """Set the next attempt; returns what this one came to.

        A lane that has tried often enough parks. A recall goes on trying there: it must arrive. One that comes
        later is tried at once, and waits between attempts like anything else.
        """
        wait = verdict.retry_after_seconds or delay_seconds(held.attempt, self._uniform)
        again_at = work.now + timedelta(seconds=wait)
        if exhausted(held.attempt, row.priority) and not held.parked:
            recall_at = again_at if held.what == "recall" else work.now
            await lanes.park(work.connection, held, recall_at, verdict.code)
            work.emit(self._failed(row, work.now))
            return "Parked"
        nothing_sent = verdict.state == "later"
        await lanes.retry(work.connection, held, again_at, verdict.code, nothing_sent=nothing_sent)
        return "Unknown" if verdict.state == "unknown" else "Retried"

    def _event(self, kind: Any, attempt: Attempt, now: datetime, code: str | None = None) -> NewRecord:
        event = DeliveryEvent(
            event_id=new_id(self._random, now),
            kind=kind,
            dispatch_id=attempt.dispatch.dispatch_id,
            case_id=attempt.dispatch.case_id,
            recipient=attempt.dispatch.recipient,
            channel=attempt.claim.channel,
            at=now,
            attempt=attempt.claim.attempt,
            error_code=code,
        )
        return delivery_record(event)

    def _failed(self, row: StoredDispatch, now: datetime) -> NewRecord:
        """The case hears that a recipient could not be told by machine: a person must."""
        event = RunningEvent(
            event_id=new_id(self._random, now),
            kind="DeliveryFailed",
            case_id=row.case_id,
            subject_id=row.subject_id,
            at=now,
            dispatch_id=row.dispatch_id,
        )
        return finding_record(event, row.log_key)


async def _ended(running: set[asyncio.Task[None]]) -> None:
    """Let calls end by themselves for a moment, then cut them."""
    if running:
        _, still = await asyncio.wait(running, timeout=_GRACE_SECONDS)
        for task in still:
            task.cancel()
        await asyncio.gather(*still, return_exceptions=True)

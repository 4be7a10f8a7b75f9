"""Attempts at lanes, whoever makes them: this hub's worker, or an edge in an agency's own house.

    claim and record the opening  →  commit  →  the call  →  record the outcome  →  commit

A crash between the two commits leaves a claim without an outcome: unknown, never assumed failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

import structlog

from adapters.exchange import Verdict
from contracts.errors import SampanError
from contracts.ids import Random, new_id
from contracts.records import DeliveryEvent, RunningEvent
from services.delivery import lanes, store
from services.delivery.events import delivery_record
from services.delivery.lanes import CLAIM_SECONDS, Claim
from services.delivery.retry import delay_seconds, exhausted
from services.delivery.store import StoredDispatch
from services.edge.tell import Ticket
from services.runtime.failures import error_code, is_transient, raised_at
from services.runtime.log.findings import finding_record
from services.runtime.log.port import NewRecord
from services.runtime.store.postgres import PostgresStore
from services.vault.errors import VaultAway

CALL_SECONDS_MAX: Final = CLAIM_SECONDS - 15.0
"""A whole conversation ends well before its claim, or a second worker would repeat what is still running."""
CLOSED: Final = frozenset({"gate-closed", "grant-expired", "erased"})
"""Refusals of the vault after which nobody is to be told by another way either: no failure is reported."""
_EDGE_AWAY: Final = Verdict("later", "edge-away")
"""The agency's own edge does not ask. That counts as an attempt, so that a person hears of it in time."""
_log = structlog.get_logger(__name__)


class Prepared(Protocol):
    """What a preparation gives: whether the claim's transaction opened something for somebody."""

    @property
    def opened(self) -> bool: ...


R = TypeVar("R", bound=Prepared)
Prepare = Callable[[Any, Ticket, datetime], Awaitable[R | Verdict]]
"""Prepares one ticket in the claim's transaction; a verdict where there is nothing to call for."""


@dataclass(frozen=True, slots=True)
class Attempt(Generic[R]):
    """One attempt under way; ``ready`` is a verdict where no call is made."""

    attempt_id: UUID
    claim: Claim
    dispatch: StoredDispatch
    ready: R | Verdict


class Attempts:
    """Claims lanes and records what came of them.

    Args:
        uniform: jitter, ``random.Random().uniform``.
    """

    def __init__(
        self, store_: PostgresStore, random: Random, uniform: Callable[[float, float], float]
    ) -> None:
        self._store, self._random, self._uniform = store_, random, uniform

    async def claim(
        self, owner: str, limit: int, prepare: Prepare[R], edge_of: UUID | None = None,
        up_since: datetime | None = None,
    ) -> list[Attempt[R]]:  # fmt: skip
        """One transaction: take lanes, open what goes out, record attempts and openings.

        Args:
            edge_of, up_since: as for :func:`services.delivery.lanes.claim`.
        """
        async with self._store.unit_of_work() as work:
            claims = await lanes.claim(work.connection, owner, work.now, limit, edge_of, up_since)
            rows = await store.load(work.connection, {held.dispatch_id for held in claims})
            cursors = await store.cursors(work.connection, rows)
            attempts = []
            for held in claims:
                row = rows[held.dispatch_id]
                ready: R | Verdict = _EDGE_AWAY
                if edge_of is not None or not held.own_edge:
                    ready = await _prepared(work, _ticket(held, row, cursors[held.dispatch_id]), prepare)
                attempts.append(Attempt(new_id(self._random, work.now), held, row, ready))
                if not isinstance(ready, Verdict) and ready.opened:
                    work.emit(self._event("DisclosureMade", held, row, work.now))
            if attempts:
                await lanes.start_attempts(
                    work.connection, [(a.attempt_id, a.claim) for a in attempts], owner, work.now
                )
        return attempts

    async def record(
        self, attempt_id: UUID, held: Claim, row: StoredDispatch, owner: str, verdict: Verdict
    ) -> None:
        """The third transaction: what came of it. A claim that was lost meanwhile changes nothing."""
        async with self._store.unit_of_work() as work:
            await lanes.end_attempt(work.connection, attempt_id, verdict.state, verdict.code, work.now)
            if not await lanes.holds(work.connection, held, owner):
                return
            kind = "Delivered" if verdict.state == "delivered" else "Refused"
            if verdict.state == "delivered":
                await lanes.finish(work.connection, held, "done", work.now)
            elif verdict.state == "refused" and verdict.code in CLOSED:
                await lanes.finish(work.connection, held, "dropped", work.now)
            elif verdict.state == "refused":
                await lanes.finish(work.connection, held, "refused", work.now)
                work.emit(self._failed(row, work.now))
            else:
                kind = await self._again(work, held, row, verdict)
            work.emit(self._event(kind, held, row, work.now, verdict.code))

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

    def _event(
        self, kind: Any, held: Claim, row: StoredDispatch, now: datetime, code: str | None = None
    ) -> NewRecord:
        event = DeliveryEvent(
            event_id=new_id(self._random, now),
            kind=kind,
            dispatch_id=row.dispatch_id,
            case_id=row.case_id,
            recipient=row.recipient,
            channel=held.channel,
            at=now,
            attempt=held.attempt,
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


def _ticket(held: Claim, row: StoredDispatch, cursor: int) -> Ticket:
    return Ticket(
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


async def _prepared(work: Any, ticket: Ticket, prepare: Prepare[R]) -> R | Verdict:
    """A refusal of the vault or of our mapping is an outcome, and no other lane's trouble."""
    try:
        async with work.savepoint():
            return await prepare(work.connection, ticket, work.now)
    except VaultAway:
        raise  # no outcome: a lane that counted it would park while the vault is away
    except SampanError as error:
        return verdict_of(error)
    except Exception as error:
        if is_transient(error):
            raise
        # A fault of ours in one document: its lane tries again and parks, and stops nobody else.
        _log.error("delivery_not_prepared", error=error_code(error), at=raised_at(error))
        return Verdict("later", "internal")


def verdict_of(error: SampanError) -> Verdict:
    """A coded refusal before anything was sent, as an outcome."""
    return Verdict("later" if error.retryable else "refused", error.code, error.field, error.remedy)

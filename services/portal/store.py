"""The portal's reading: across the tables of intake, router and delivery; it writes nothing.

Receipts are read where the case's router keeps them, which may be a database of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as one viewer knows it. ``case_id`` is the true id and is never shown."""

    case_id: UUID
    is_owner: bool
    case_code: str
    case_ref: UUID
    subject_refs: tuple[UUID, ...]


async def by_code(connection: Any, viewer: UUID, code: str) -> CaseView | None:
    """The case behind a code that this viewer was given."""
    case_id = await connection.fetchval(
        "select case_id from intake.codes where code = $1 and agency_id = $2", code, viewer
    )
    return None if case_id is None else await _view(connection, viewer, case_id)


async def by_ref(connection: Any, viewer: UUID, ref: UUID) -> CaseView | None:
    """The case behind an alias of this viewer, or behind the true id for its owner."""
    case_id = await connection.fetchval(
        "select id from intake.refs where ref = $1 and agency_id = $2 and kind = 'c'"
        " union select case_id from intake.cases where case_id = $1 and owner = $2 limit 1",
        *(ref, viewer),
    )
    return None if case_id is None else await _view(connection, viewer, case_id)


async def _view(connection: Any, viewer: UUID, case_id: UUID) -> CaseView | None:
    row = await connection.fetchrow(
        "select k.owner = $2 as own, c.code,"
        " (select min(ref::text) from intake.refs r"
        "   where r.id = k.case_id and r.agency_id = $2 and r.kind = 'c') as ref"
        " from intake.cases k left join intake.codes c on c.case_id = k.case_id and c.agency_id = $2"
        " where k.case_id = $1",
        *(case_id, viewer),
    )
    if row is None or (row["code"] is None and not row["own"]):
        return None
    persons = await connection.fetch(
        "select s.subject_id,"
        " (select min(ref::text) from intake.refs r"
        "   where r.id = s.subject_id and r.agency_id = $2 and r.kind = 's') as ref"
        " from intake.subjects s where s.case_id = $1 order by s.ordinal",
        *(case_id, viewer),
    )
    refs = tuple(p["subject_id"] if row["own"] else UUID(p["ref"]) for p in persons if row["own"] or p["ref"])
    case_ref = case_id if row["own"] or row["ref"] is None else UUID(row["ref"])
    return CaseView(case_id, row["own"], row["code"] or "", case_ref, refs)


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A sealed decision."""

    event_id: UUID
    subject_id: UUID
    emitter: UUID | None
    sealed: bytes


async def receipts(
    connection: Any, case_id: UUID, viewer: UUID, *, timers: bool, others: bool
) -> list[ReceiptView]:
    """The decisions on this viewer's own events; with those that Sampan's timers caused, or other agencies too."""
    rows = await connection.fetch(
        "select event_id, subject_id, emitter, sealed from router.receipts"
        " where case_id = $1 and (emitter = $2 or ($3 and emitter is null) or ($4 and emitter is not null))"
        " order by decided_at, log_position, subject_id",
        *(case_id, viewer, timers, others),
    )
    return [ReceiptView(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """A dispatch that this viewer received."""

    dispatch_id: UUID
    alias: UUID
    subject_id: UUID
    received_at: datetime
    acknowledge_by: datetime | None
    decide_by: datetime | None
    status: str
    opened_at: datetime | None
    recalled: bool
    priority: str
    sealed: bytes
    narrowed: bytes | None
    case_id: UUID


_RECEIVED = (
    "dispatch_id, alias, subject_id, received_at, acknowledge_by, decide_by, status, opened_at, recalled, priority,"
    " sealed, narrowed, case_id"
)


async def dispatches(connection: Any, case_id: UUID, viewer: UUID) -> list[ReceivedRow]:
    """What this viewer received of a case."""
    rows = await connection.fetch(
        f"select {_RECEIVED} from delivery.dispatches where case_id = $1 and recipient = $2 order by received_at",
        *(case_id, viewer),
    )
    return [ReceivedRow(*row) for row in rows]


async def unanswered(connection: Any, viewer: UUID) -> list[ReceivedRow]:
    """What this viewer received, should answer, and has not; soonest deadline first."""
    rows = await connection.fetch(
        f"select {_RECEIVED} from delivery.dispatches where recipient = $1 and not recalled"
        " and status in ('requested', 'received') and (acknowledge_by is not null or decide_by is not null)"
        " order by coalesce(case when status = 'requested' then acknowledge_by end, decide_by), received_at",
        viewer,
    )
    return [ReceivedRow(*row) for row in rows]


async def oldest_unanswered_at(connection: Any) -> datetime | None:
    """When the oldest dispatch that nobody has answered was received."""
    found: datetime | None = await connection.fetchval(
        "select min(received_at) from delivery.dispatches where status = 'requested' and not recalled"
        " and acknowledge_by is not null"
    )
    return found


@dataclass(frozen=True, slots=True)
class StatusRow:
    """How a dispatch stands."""

    status: str
    recalled: bool
    recipient: UUID
    opened_at: datetime | None


async def statuses(connection: Any, case_id: UUID) -> dict[UUID, StatusRow]:
    """How a case's dispatches stand, by dispatch."""
    rows = await connection.fetch(
        "select dispatch_id, status, recalled, recipient, opened_at from delivery.dispatches where case_id = $1",
        case_id,
    )
    return {row[0]: StatusRow(*row[1:]) for row in rows}

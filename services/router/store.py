"""The router's SQL. States, receipts and reviews are sealed; ids and times are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StateRow:
    """A subject's folded state. ``gate_version`` counts the narrowings folded so far."""

    subject_id: UUID
    case_id: UUID
    log_key: UUID
    owner: UUID
    parent_id: UUID | None
    gate_version: int
    sealed: bytes | None


async def load_states(connection: Any, subject_ids: Iterable[UUID]) -> dict[UUID, StateRow]:
    """States by subject. Only this consumer writes a case's states, under its partition's epoch."""
    rows = await connection.fetch(
        "select subject_id, case_id, log_key, owner, parent_id, gate_version, sealed from router.subject_state"
        " where subject_id = any($1::uuid[])",
        list(subject_ids),
    )
    return {row["subject_id"]: StateRow(*row) for row in rows}


async def save_states(connection: Any, states: Sequence[StateRow]) -> None:
    """Write states back."""
    await connection.execute(
        "insert into router.subject_state (subject_id, case_id, log_key, owner, parent_id, gate_version, sealed)"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::bytea[])"
        " on conflict (subject_id) do update set owner = excluded.owner,"
        " gate_version = excluded.gate_version, sealed = excluded.sealed",
        [s.subject_id for s in states], [s.case_id for s in states], [s.log_key for s in states],
        [s.owner for s in states], [s.parent_id for s in states], [s.gate_version for s in states],
        [s.sealed for s in states],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """A stored decision: outer part clear, inner part sealed."""

    event_id: UUID
    subject_id: UUID
    case_id: UUID
    emitter: UUID | None
    decided_at: datetime
    log_position: str
    rule_set_hash: str
    directory_hash: str
    engine_version: str
    sealed: bytes


_RECEIPT_COLUMNS = (
    "event_id, subject_id, case_id, emitter, decided_at, log_position, rule_set_hash, directory_hash,"
    " engine_version, sealed"
)


async def save_receipts(connection: Any, rows: Sequence[ReceiptRow]) -> None:
    """Keep decisions; an event is decided once for each subject."""
    await connection.execute(
        f"insert into router.receipts ({_RECEIPT_COLUMNS})"
        " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[],"
        " $7::text[], $8::text[], $9::text[], $10::bytea[]) on conflict do nothing",
        [r.event_id for r in rows], [r.subject_id for r in rows], [r.case_id for r in rows],
        [r.emitter for r in rows], [r.decided_at for r in rows], [r.log_position for r in rows],
        [r.rule_set_hash for r in rows], [r.directory_hash for r in rows], [r.engine_version for r in rows],
        [r.sealed for r in rows],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class TimerRow:
    """When a subject must be looked at again."""

    timer_id: UUID
    subject_id: UUID
    case_id: UUID
    log_key: UUID
    due_at: datetime


async def replace_timers(connection: Any, subject_ids: Iterable[UUID], timers: Sequence[TimerRow]) -> None:
    """The open timers of these subjects are now these."""
    await connection.execute(
        "delete from router.timers where subject_id = any($1::uuid[])", list(subject_ids)
    )
    if timers:
        await connection.execute(
            "insert into router.timers (timer_id, subject_id, case_id, log_key, due_at)"
            " select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[])",
            [t.timer_id for t in timers], [t.subject_id for t in timers], [t.case_id for t in timers],
            [t.log_key for t in timers], [t.due_at for t in timers],
        )  # fmt: skip


async def take_due_timers(connection: Any, now: datetime, limit: int) -> list[TimerRow]:
    """Take timers that are due, oldest first; each is taken once, whoever asks."""
    rows = await connection.fetch(
        "delete from router.timers where timer_id in"
        " (select timer_id from router.timers where due_at <= $1 order by due_at, timer_id limit $2"
        "  for update skip locked) returning timer_id, subject_id, case_id, log_key, due_at",
        *(now, limit),
    )
    return sorted((TimerRow(*row) for row in rows), key=lambda row: (row.due_at, row.timer_id.bytes))


async def next_timer_at(connection: Any) -> datetime | None:
    """When the next timer is due."""
    found: datetime | None = await connection.fetchval("select min(due_at) from router.timers")
    return found


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A question for a person. ``desk`` None: the operator."""

    review_id: UUID
    case_id: UUID
    subject_id: UUID
    log_key: UUID
    event_id: UUID
    desk: UUID | None
    opened_at: datetime
    due_at: datetime | None
    needs_second_person: bool
    state: str
    sealed: bytes


_REVIEW_COLUMNS = (
    "review_id, case_id, subject_id, log_key, event_id, desk, opened_at, due_at, needs_second_person, state,"
    " sealed"
)


async def open_reviews(connection: Any, rows: Sequence[ReviewRow]) -> None:
    """Keep new questions."""
    if rows:
        await connection.execute(
            f"insert into router.reviews ({_REVIEW_COLUMNS}) select * from unnest($1::uuid[], $2::uuid[],"
            " $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::timestamptz[], $9::bool[],"
            " $10::text[], $11::bytea[]) on conflict do nothing",
            [r.review_id for r in rows], [r.case_id for r in rows], [r.subject_id for r in rows],
            [r.log_key for r in rows], [r.event_id for r in rows], [r.desk for r in rows],
            [r.opened_at for r in rows], [r.due_at for r in rows], [r.needs_second_person for r in rows],
            [r.state for r in rows], [r.sealed for r in rows],
        )  # fmt: skip


async def close_reviews(connection: Any, closed: Sequence[tuple[UUID, str]], now: datetime) -> None:
    """Mark questions as answered: (review, released or refused)."""
    if closed:
        await connection.execute(
            "update router.reviews r set state = c.state, closed_at = $3"
            " from unnest($1::uuid[], $2::text[]) as c(review_id, state) where r.review_id = c.review_id",
            [c[0] for c in closed], [c[1] for c in closed], now,
        )  # fmt: skip


async def reviews(connection: Any, *, desk: UUID | None, operator: bool, everything: bool) -> list[ReviewRow]:
    """The questions that an agency (or, where ``operator``, the operator too) may see; open ones first."""
    rows = await connection.fetch(
        f"select {_REVIEW_COLUMNS} from router.reviews"
        " where (desk = $1 or ($2 and desk is null)) and ($3 or state = 'open')"
        " order by state <> 'open', due_at nulls last, opened_at, review_id",
        *(desk, operator, everything),
    )
    return [ReviewRow(*row) for row in rows]


async def review(connection: Any, review_id: UUID) -> ReviewRow | None:
    """One question."""
    row = await connection.fetchrow(
        f"select {_REVIEW_COLUMNS} from router.reviews where review_id = $1", review_id
    )
    return None if row is None else ReviewRow(*row)


async def lock_review(connection: Any, review_id: UUID) -> ReviewRow | None:
    """One question, locked until the transaction ends."""
    row = await connection.fetchrow(
        f"select {_REVIEW_COLUMNS} from router.reviews where review_id = $1 for update", review_id
    )
    return None if row is None else ReviewRow(*row)


async def keep_reason(
    connection: Any, event_id: UUID, row: ReviewRow, agency_id: UUID, sealed: bytes, now: datetime
) -> None:
    """Keep why somebody answered a question as she did."""
    await connection.execute(
        "insert into router.review_reasons (event_id, review_id, agency_id, at, sealed) values ($1, $2, $3, $4, $5)",
        *(event_id, row.review_id, agency_id, now, sealed),
    )

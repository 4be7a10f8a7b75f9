"""Intake's SQL. Batched: one statement a question, whatever the number of submissions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Earlier:
    """A submission that was taken before: its content's MAC and the receipt it got."""

    mac: bytes
    receipt: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as intake knows it."""

    case_id: UUID
    log_key: UUID
    owner: UUID


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A subject and its place."""

    subject_id: UUID
    case_id: UUID
    ordinal: int
    parent_id: UUID | None


@dataclass(frozen=True, slots=True)
class Ref:
    """What an alias stands for: ``c`` case, ``s`` subject, ``d`` dispatch received, ``o`` dispatch told to another."""

    kind: str
    true_id: UUID
    agency_id: UUID | None = None


async def earlier(connection: Any, keys: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Earlier]:
    """What was submitted before, by (sender, submission id)."""
    rows = await connection.fetch(
        "select s.sender, s.submission_id, s.mac, s.receipt::text from intake.submissions s"
        " join unnest($1::uuid[], $2::uuid[]) as k(sender, submission_id) using (sender, submission_id)",
        [k[0] for k in keys], [k[1] for k in keys],
    )  # fmt: skip
    return {(r["sender"], r["submission_id"]): Earlier(r["mac"], r["receipt"]) for r in rows}


async def used_event_ids(connection: Any, event_ids: Iterable[UUID]) -> set[UUID]:
    """Which of these event ids stand already: an id names one event for good."""
    rows = await connection.fetch(
        "select event_id from intake.submissions where event_id = any($1::uuid[])", list(event_ids)
    )
    return {row["event_id"] for row in rows}


async def resolve_refs(connection: Any, refs: Iterable[UUID]) -> dict[UUID, Ref]:
    """What aliases stand for."""
    rows = await connection.fetch(
        "select ref, kind, id, agency_id from intake.refs where ref = any($1::uuid[])", list(refs)
    )
    return {row["ref"]: Ref(row["kind"].decode(), row["id"], row["agency_id"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Code:
    """A case code: which case, and whom it was given to."""

    case_id: UUID
    agency_id: UUID


async def resolve_codes(connection: Any, codes: Iterable[str]) -> dict[str, Code]:
    """What case codes stand for."""
    rows = await connection.fetch(
        "select code, case_id, agency_id from intake.codes where code = any($1::text[])", list(codes)
    )
    return {row["code"]: Code(row["case_id"], row["agency_id"]) for row in rows}


async def cases(connection: Any, case_ids: Iterable[UUID]) -> dict[UUID, CaseRow]:
    """Cases by id."""
    rows = await connection.fetch(
        "select case_id, log_key, owner from intake.cases where case_id = any($1::uuid[])", list(case_ids)
    )
    return {row["case_id"]: CaseRow(*row) for row in rows}


async def subjects(
    connection: Any, case_ids: Iterable[UUID], subject_ids: Iterable[UUID]
) -> list[SubjectRow]:
    """The subjects of these cases, these subjects, and the children of any of them."""
    rows = await connection.fetch(
        "with wanted as (select subject_id, case_id, ordinal, parent_id from intake.subjects"
        "                 where case_id = any($1::uuid[]) or subject_id = any($2::uuid[]))"
        " select * from wanted union"
        " select c.subject_id, c.case_id, c.ordinal, c.parent_id from intake.subjects c"
        "  where c.parent_id in (select subject_id from wanted) order by case_id, ordinal",
        list(case_ids), list(subject_ids),
    )  # fmt: skip
    return [SubjectRow(*row) for row in rows]


async def insert_cases(connection: Any, new: Sequence[CaseRow], now: datetime) -> None:
    """Open cases."""
    if new:
        await connection.execute(
            "insert into intake.cases (case_id, log_key, owner, opened_at)"
            " select c, l, o, $4 from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t(c, l, o)",
            [c.case_id for c in new], [c.log_key for c in new], [c.owner for c in new], now,
        )  # fmt: skip


async def insert_subjects(connection: Any, new: Sequence[SubjectRow]) -> None:
    """Add persons to cases."""
    if new:
        await connection.execute(
            "insert into intake.subjects (subject_id, case_id, ordinal, parent_id)"
            " select * from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[])",
            [s.subject_id for s in new], [s.case_id for s in new], [s.ordinal for s in new],
            [s.parent_id for s in new],
        )  # fmt: skip


async def codes_of(connection: Any, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], str]:
    """The codes under which agencies know cases, by (case, agency)."""
    rows = await connection.fetch(
        "select c.case_id, c.agency_id, c.code from intake.codes c"
        " join unnest($1::uuid[], $2::uuid[]) as k(case_id, agency_id) using (case_id, agency_id)",
        [p[0] for p in pairs], [p[1] for p in pairs],
    )  # fmt: skip
    return {(r["case_id"], r["agency_id"]): r["code"] for r in rows}


async def insert_codes(connection: Any, codes: Mapping[tuple[UUID, UUID], str]) -> set[tuple[UUID, UUID]]:
    """Give agencies their codes; returns the (case, agency) whose code another case has, in this call or before."""
    if not codes:
        return set()
    rows = list(codes.items())
    await connection.execute(
        "insert into intake.codes (code, case_id, agency_id)"
        " select * from unnest($1::text[], $2::uuid[], $3::uuid[]) on conflict do nothing",
        [code for _, code in rows], [key[0] for key, _ in rows], [key[1] for key, _ in rows],
    )  # fmt: skip
    kept = await codes_of(connection, list(codes))
    return {key for key, code in rows if kept.get(key) != code}


async def insert_refs(connection: Any, refs: Iterable[tuple[UUID, str, UUID, UUID]]) -> None:
    """Remember aliases: (alias, kind, true id, agency). Standing ones stay."""
    rows = list({ref[0]: ref for ref in refs}.values())
    if rows:
        await connection.execute(
            'insert into intake.refs (ref, kind, id, agency_id) select r, k::"char", i, a'
            " from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) as t(r, k, i, a) on conflict do nothing",
            [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """A submission as kept for idempotency."""

    sender: UUID
    submission_id: UUID
    event_id: UUID
    case_id: UUID
    mac: bytes
    receipt: str


async def insert_submissions(connection: Any, rows: Sequence[SubmissionRow], now: datetime) -> None:
    """Keep what was taken, with its receipt."""
    await connection.execute(
        "insert into intake.submissions (sender, submission_id, event_id, case_id, mac, receipt, recorded_at)"
        " select s, i, e, c, m, r::jsonb, $7"
        " from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::text[]) as t(s, i, e, c, m, r)",
        [r.sender for r in rows], [r.submission_id for r in rows], [r.event_id for r in rows],
        [r.case_id for r in rows], [r.mac for r in rows], [r.receipt for r in rows], now,
    )  # fmt: skip


async def insert_rejections(
    connection: Any, rows: Sequence[tuple[UUID, bytes, str, str | None]], now: datetime
) -> None:
    """Keep that something was refused: whose, a MAC, code and field; never a value."""
    if rows:
        await connection.execute(
            "insert into intake.rejections (sender, mac, code, field, at)"
            " select s, m, c, f, $5 from unnest($1::uuid[], $2::bytea[], $3::text[], $4::text[]) as t(s, m, c, f)",
            [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows], [r[3] for r in rows], now,
        )  # fmt: skip


async def transfer(connection: Any, case_id: UUID, owner: UUID) -> None:
    """Give a case, and the cases of babies born in it, a new owner."""
    await connection.execute(
        "update intake.cases set owner = $2 where case_id = $1 or log_key = $1", *(case_id, owner)
    )

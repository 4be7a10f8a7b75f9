"""Delivery's SQL, each statement beside the function that runs it. No statement reads a fact of a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.records import DispatchRecord
from contracts.task_status import CANCELLED, REQUESTED, follows
from services.runtime.log.port import LogPosition


@dataclass(frozen=True, slots=True)
class StoredDispatch:
    """A dispatch as delivery keeps it; ``sealed`` is opened by the edge alone."""

    dispatch_id: UUID
    alias: UUID
    case_id: UUID
    log_key: UUID
    subject_id: UUID
    event_id: UUID
    recipient: UUID
    generation: int
    priority: str
    via: str | None
    dated: datetime
    received_at: datetime
    acknowledge_by: datetime | None
    decide_by: datetime | None
    status: str
    opened_at: datetime | None
    recalled: bool
    sealed: bytes
    narrowed: bytes | None


_COLUMNS = (
    "dispatch_id, alias, case_id, log_key, subject_id, event_id, recipient, generation, priority, via, dated,"
    " received_at,"
    " acknowledge_by, decide_by, status, opened_at, recalled, sealed, narrowed"
)
_QUALIFIED = ", ".join(f"d.{name.strip()}" for name in _COLUMNS.split(","))

_INSERT = f"""
    insert into delivery.dispatches ({_COLUMNS})
    select dispatch_id, alias, case_id, log_key, subject_id, event_id, recipient, generation, priority, via, dated,
           received_at, acknowledge_by, decide_by, '{REQUESTED}', null, false, sealed, null
      from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::int[],
                  $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
                  $14::timestamptz[], $15::bytea[])
        as n(dispatch_id, alias, case_id, log_key, subject_id, event_id, recipient, generation, priority, via, dated,
             received_at, acknowledge_by, decide_by, sealed)
    on conflict (dispatch_id) do nothing
    returning dispatch_id
"""


async def insert(connection: Any, records: Sequence[DispatchRecord], now: datetime) -> set[UUID]:
    """Keep new dispatches; returns the ids that were new. Ids must be distinct within the call."""
    rows = [
        (r.dispatch_id, r.alias, r.case_id, r.log_key, r.subject_id, r.event_id, r.recipient, r.generation,
         r.priority, r.via,
         r.dated, now, r.acknowledge_by, r.decide_by, r.sealed)
        for r in records
    ]  # fmt: skip
    inserted = await connection.fetch(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
    return {row["dispatch_id"] for row in inserted}


_FEED = """
    with counted as (
        select recipient, count(*) as added from unnest($1::uuid[]) as u(recipient) group by recipient
    ), heads as (
        insert into delivery.inbox_heads (recipient, cursor)
        select recipient, added from counted order by recipient
        on conflict (recipient) do update set cursor = inbox_heads.cursor + excluded.cursor
        returning recipient, cursor
    ), placed as (
        select n.recipient, n.dispatch_id,
               h.cursor - c.added + row_number() over (partition by n.recipient order by n.ord) as cursor
          from unnest($1::uuid[], $2::uuid[]) with ordinality as n(recipient, dispatch_id, ord)
          join heads h on h.recipient = n.recipient
          join counted c on c.recipient = n.recipient
    )
    insert into delivery.inbox (recipient, cursor, dispatch_id) select recipient, cursor, dispatch_id from placed
"""


async def feed(connection: Any, entries: Sequence[tuple[UUID, UUID]]) -> None:
    """Give each (recipient, dispatch) the recipient's next cursor. Heads are locked in sorted order."""
    if entries:
        await connection.execute(_FEED, [r for r, _ in entries], [d for _, d in entries])


_LANES = """
    insert into delivery.lanes (lane_id, case_id, recipient, channel, state, next_attempt_at)
    select distinct on (case_id, recipient, channel) * from unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[]
    ) as l(lane_id, case_id, recipient, channel, state, next_attempt_at)
     order by case_id, recipient, channel
    on conflict (case_id, recipient, channel) do nothing
"""
_LANE_ITEMS = """
    insert into delivery.lane_items (lane_id, dispatch_id, what, state)
    select l.lane_id, n.dispatch_id, n.what, 'waiting'
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[])
           with ordinality as n(case_id, recipient, channel, dispatch_id, what, ord)
      join delivery.lanes l using (case_id, recipient, channel)
     order by n.ord
"""


@dataclass(frozen=True, slots=True)
class LaneEntry:
    """One dispatch that goes over one channel."""

    lane_id: UUID
    case_id: UUID
    recipient: UUID
    channel: str
    dispatch_id: UUID
    what: str = "tell"


async def enter_lanes(connection: Any, entries: Sequence[LaneEntry], now: datetime) -> None:
    """Queue entries in their lanes, making a lane where none stands."""
    if not entries:
        return
    await connection.execute(
        _LANES,
        [e.lane_id for e in entries], [e.case_id for e in entries], [e.recipient for e in entries],
        [e.channel for e in entries], ["flowing"] * len(entries), [now] * len(entries),
    )  # fmt: skip
    await connection.execute(
        _LANE_ITEMS,
        [e.case_id for e in entries], [e.recipient for e in entries], [e.channel for e in entries],
        [e.dispatch_id for e in entries], [e.what for e in entries],
    )  # fmt: skip


async def apply_status(connection: Any, dispatch_id: UUID, status: str) -> bool:
    """Move a dispatch's status where FHIR lets it move; returns whether it moved."""
    now = await connection.fetchval(
        "select status from delivery.dispatches where dispatch_id = $1 for update", dispatch_id
    )
    if now is None or not follows(now, status):
        return False
    await connection.execute(
        "update delivery.dispatches set status = $2 where dispatch_id = $1", dispatch_id, status
    )
    return True


async def apply_regrant(connection: Any, record: DispatchRecord, at: LogPosition) -> StoredDispatch | None:
    """Narrow an earlier dispatch; a recalled one is cancelled and what still waits in its lanes is dropped.

    Args:
        at: where the record stands. What one log says of a dispatch stands in one partition: what is not behind
            the narrowing applied last was applied before, and gives None.
    """
    row = await connection.fetchrow(
        f"update delivery.dispatches set narrowed = $2, recalled = recalled or $3,"
        f" narrowed_log = $4, narrowed_offset = $5,"
        f" status = case when $3 and status not in ('completed', 'rejected') then '{CANCELLED}' else status end"
        f" where dispatch_id = $1 and (narrowed_log is distinct from $4 or narrowed_offset < $5) returning {_COLUMNS}",
        *(record.dispatch_id, record.sealed, record.recalled, at.log_id, at.offset),
    )
    if row is None:
        return None
    if record.recalled:
        await connection.execute(
            "update delivery.lane_items set state = 'dropped' where dispatch_id = $1 and what = 'tell'"
            " and state = 'waiting'",
            record.dispatch_id,
        )
    return StoredDispatch(*row)


async def told_channels(connection: Any, dispatch_id: UUID) -> list[str]:
    """Over which channels a dispatch has gone, or may have gone (a claim without an outcome counts)."""
    rows = await connection.fetch(
        "select l.channel from delivery.lane_items i join delivery.lanes l using (lane_id)"
        " where i.dispatch_id = $1 and i.what = 'tell' and i.state in ('done', 'claimed') order by l.channel",
        dispatch_id,
    )
    return [row["channel"] for row in rows]


async def page(connection: Any, recipient: UUID, after: int, limit: int) -> list[tuple[int, StoredDispatch]]:
    """A recipient's feed behind cursor ``after``, in order."""
    rows = await connection.fetch(
        f"select i.cursor, {_QUALIFIED} from delivery.inbox i join delivery.dispatches d using (dispatch_id)"
        " where i.recipient = $1 and i.cursor > $2 order by i.cursor limit $3",
        *(recipient, after, limit),
    )
    return [(row[0], StoredDispatch(*row[1:])) for row in (tuple(r) for r in rows)]


async def by_alias(connection: Any, recipient: UUID, alias: UUID) -> tuple[int, StoredDispatch] | None:
    """One dispatch of this recipient. Another agency's dispatch is as absent as one that never was."""
    row = await connection.fetchrow(
        f"select i.cursor, {_QUALIFIED} from delivery.dispatches d join delivery.inbox i using (dispatch_id)"
        " where d.recipient = $1 and d.alias = $2",
        *(recipient, alias),
    )
    return None if row is None else (row[0], StoredDispatch(*tuple(row)[1:]))


async def by_aliases(connection: Any, aliases: Iterable[UUID]) -> dict[UUID, StoredDispatch]:
    """Dispatches by alias, whoever their recipient is: the caller holds that against who asks."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from delivery.dispatches where alias = any($1::uuid[])", list(aliases)
    )
    return {row["alias"]: StoredDispatch(*row) for row in rows}


async def load(connection: Any, dispatch_ids: Iterable[UUID]) -> dict[UUID, StoredDispatch]:
    """Dispatches by id."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from delivery.dispatches where dispatch_id = any($1::uuid[])", list(dispatch_ids)
    )
    return {row["dispatch_id"]: StoredDispatch(*row) for row in rows}


_MARK_OPENED = """
    with locked as (
        select dispatch_id from delivery.dispatches where dispatch_id = any($1::uuid[]) and opened_at is null
         order by dispatch_id for no key update
    )
    update delivery.dispatches d set opened_at = $2 from locked l where d.dispatch_id = l.dispatch_id
"""


async def mark_opened(connection: Any, dispatch_ids: Iterable[UUID], now: datetime) -> None:
    """Remember first openings. Rows are locked in sorted order."""
    if ids := list(dispatch_ids):
        await connection.execute(_MARK_OPENED, ids, now)


async def cursors(connection: Any, dispatch_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Where dispatches stand in their recipients' feeds."""
    rows = await connection.fetch(
        "select dispatch_id, cursor from delivery.inbox where dispatch_id = any($1::uuid[])",
        list(dispatch_ids),
    )
    return {row["dispatch_id"]: row["cursor"] for row in rows}

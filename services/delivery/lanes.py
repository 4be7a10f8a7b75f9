"""Lanes: the ordered dispatches of one case to one recipient over one channel.

Delivery to a system outside is three transactions: the dispatch entered its lane (``step``); it is claimed and
its opening recorded; its outcome is recorded. Between the last two the call runs. A claim whose lease ran out
without an outcome is *unknown*, never assumed failed: the next attempt is told so and checks before it acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from contracts.api import LaneItem
from services.edge.targets import OPENING

CLAIM_SECONDS: Final = 60
EDGE_SILENT_SECONDS: Final = 120
"""An agency's own edge that has asked for nothing for so long counts as away: attempts fail, and people hear."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to make one attempt, until ``until``. ``repeat``: an earlier attempt may have had its effect."""

    lane_id: UUID
    seq: int
    dispatch_id: UUID
    recipient: UUID
    channel: str
    what: str
    attempt: int
    repeat: bool
    parked: bool  # a recall overtakes what is parked, and leaves it parked
    until: datetime
    own_edge: bool = False  # its agency's own edge performs it, and nobody else opens for it


_WANTS_AN_ATTEMPT: Final = """
    exists (select 1 from delivery.lane_items i
             where i.lane_id = l.lane_id and i.state in ('waiting', 'claimed')
               and (l.state <> 'parked' or i.what = 'recall'))
"""

_OWN_EDGE: Final = """
    (l.channel = any($6::text[]) and exists (select 1 from delivery.edge_keys k where k.agency_id = l.recipient))
"""
_OWN_EDGE_ASKS: Final = """
    exists (select 1 from delivery.edge_keys k where k.agency_id = l.recipient and greatest(k.asked_at, $8) > $7)
"""

_CLAIM: Final = f"""
    with due as (
        select lane_id, state = 'parked' as parked, {_OWN_EDGE} as own_edge
          from delivery.lanes l
         where next_attempt_at <= $1 and (claim_until is null or claim_until <= $1)
           and {_WANTS_AN_ATTEMPT}
           and case when $5::uuid is null then not ({_OWN_EDGE} and {_OWN_EDGE_ASKS})
                    else l.recipient = $5 and {_OWN_EDGE} end
         order by next_attempt_at limit $2
           for update skip locked
    ), head as (
        select d.lane_id, d.parked, d.own_edge, i.seq, i.dispatch_id, i.what, i.state = 'claimed' as repeat
          from due d cross join lateral (
            select seq, dispatch_id, what, state from delivery.lane_items
             where lane_id = d.lane_id and state in ('waiting', 'claimed')
             order by what = 'recall' desc, seq limit 1) i
    ), claimed as (
        update delivery.lanes l set claimed_by = $3, claim_until = $4, attempts = l.attempts + 1
          from head h where l.lane_id = h.lane_id
        returning l.lane_id, h.seq, h.dispatch_id, l.recipient, l.channel, h.what, l.attempts as attempt,
                  h.repeat, h.parked, h.own_edge
    ), items as (
        update delivery.lane_items i set state = 'claimed' from claimed c
         where i.lane_id = c.lane_id and i.seq = c.seq
    )
    select * from claimed order by lane_id
"""


async def claim(
    connection: Any, owner: str, now: datetime, limit: int, edge_of: UUID | None = None,
    up_since: datetime | None = None,
) -> list[Claim]:  # fmt: skip
    """Take the head of up to ``limit`` due lanes, recalls first. Two claimers never hold the same lane.

    Args:
        edge_of: the agency whose own edge claims, and gets its lanes alone. None: this hub; it gets lanes of an
            agency with an own edge only where that edge has not asked for long, to count and never to open.
        up_since: when this hub came up. An edge could not ask before: its silence counts from there at the earliest.
    """
    until = now + timedelta(seconds=CLAIM_SECONDS)
    heard = now - timedelta(seconds=EDGE_SILENT_SECONDS)
    rows = await connection.fetch(_CLAIM, now, limit, owner, until, edge_of, list(OPENING), heard, up_since)
    return [Claim(**dict(row), until=until) for row in rows]


_START: Final = """
    insert into delivery.attempts (attempt_id, dispatch_id, channel, attempt, lane_id, seq, what, repeat, parked,
                                   claim_until, claimed_at, claimed_by)
    select a.*, $11, $12
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::uuid[], $6::bigint[], $7::text[], $8::bool[],
                  $9::bool[], $10::timestamptz[]) as a
"""


async def start_attempts(
    connection: Any, claims: Sequence[tuple[UUID, Claim]], owner: str, now: datetime
) -> None:
    """Record attempts before their calls run. Without an outcome later, they stand as unknown."""
    rows = [
        (
            attempt_id,
            c.dispatch_id,
            c.channel,
            c.attempt,
            c.lane_id,
            c.seq,
            c.what,
            c.repeat,
            c.parked,
            c.until,
        )
        for attempt_id, c in claims
    ]
    await connection.execute(_START, *(list(column) for column in zip(*rows, strict=True)), now, owner)


async def started(connection: Any, attempt_id: UUID) -> tuple[Claim, str, str | None] | None:
    """The claim of an attempt, who made it, and its outcome if it has one; None where there is no such attempt."""
    row = await connection.fetchrow(
        "select a.lane_id, a.seq, a.dispatch_id, l.recipient, a.channel, a.what, a.attempt, a.repeat, a.parked,"
        " a.claim_until as until, a.claimed_by, a.outcome"
        " from delivery.attempts a join delivery.lanes l using (lane_id) where a.attempt_id = $1",
        attempt_id,
    )
    if row is None:
        return None
    said = dict(row)
    claimed_by, outcome = said.pop("claimed_by"), said.pop("outcome")
    return Claim(**said, own_edge=True), claimed_by, outcome


async def end_attempt(
    connection: Any, attempt_id: UUID, outcome: str, error_code: str | None, now: datetime
) -> None:
    """Record what a call came to; the first outcome stands."""
    await connection.execute(
        "update delivery.attempts set outcome = $2, error_code = $3, ended_at = $4"
        " where attempt_id = $1 and outcome is null",
        *(attempt_id, outcome, error_code, now),
    )


async def holds(connection: Any, held: Claim, owner: str) -> bool:
    """Whether ``owner`` still holds the lane; a late outcome of a lost claim changes nothing."""
    return bool(
        await connection.fetchval(
            "select true from delivery.lanes where lane_id = $1 and claimed_by = $2 and claim_until = $3 for update",
            *(held.lane_id, owner, held.until),
        )
    )


async def finish(connection: Any, held: Claim, item_state: str, now: datetime) -> None:
    """The head is done (or refused for good); the lane goes on with the next at once."""
    await connection.execute(
        "update delivery.lane_items set state = $3 where lane_id = $1 and seq = $2",
        *(held.lane_id, held.seq, item_state),
    )
    await _free(connection, held, "parked" if held.parked else "flowing", 0, now, None)


async def retry(
    connection: Any, held: Claim, at: datetime, error_code: str | None, *, nothing_sent: bool
) -> None:
    """Try the head again at ``at``. Where nothing was sent, the item waits again; else it stays *claimed*."""
    if nothing_sent and not held.repeat:
        await connection.execute(
            "update delivery.lane_items set state = 'waiting' where lane_id = $1 and seq = $2",
            *(held.lane_id, held.seq),
        )
    state = "parked" if held.parked else "retrying" if nothing_sent else "unknown"
    await _free(connection, held, state, held.attempt, at, error_code)


async def park(connection: Any, held: Claim, recall_at: datetime, error_code: str | None) -> None:
    """Stop this lane, and only this one, until a person releases it; a recall in it tries again at ``recall_at``."""
    await _free(connection, held, "parked", held.attempt, recall_at, error_code)


async def _free(
    connection: Any, held: Claim, state: str, attempts: int, at: datetime, error_code: str | None
) -> None:
    # A parked lane stays parked for the reason it was parked for, whatever becomes of a recall in it.
    await connection.execute(
        "update delivery.lanes set state = $2, attempts = $3, next_attempt_at = $4,"
        " error_code = case when state = 'parked' and $2 = 'parked' then error_code else $5 end,"
        " claimed_by = null, claim_until = null where lane_id = $1",
        *(held.lane_id, state, attempts, at, error_code),
    )


async def release(connection: Any, lane_id: UUID, now: datetime) -> bool:
    """Let a parked lane try again now; returns whether there was one."""
    released = await connection.fetchval(
        "update delivery.lanes set state = 'retrying', attempts = 0, next_attempt_at = $2, error_code = null"
        " where lane_id = $1 and state = 'parked' returning true",
        *(lane_id, now),
    )
    return bool(released)


async def next_due_at(connection: Any) -> datetime | None:
    """The earliest instant at which some lane wants an attempt."""
    found: datetime | None = await connection.fetchval(
        "select min(greatest(l.next_attempt_at, coalesce(l.claim_until, l.next_attempt_at)))"
        f" from delivery.lanes l where {_WANTS_AN_ATTEMPT}"
    )
    return found


async def troubled(connection: Any, name_of: dict[UUID, str], *, everything: bool = False) -> list[LaneItem]:
    """The lanes an operator should see: parked, unknown or retrying (or all)."""
    rows = await connection.fetch(
        "select l.lane_id, l.recipient, l.channel, l.state, l.attempts, l.next_attempt_at, l.error_code,"
        " count(i.seq) filter (where i.state in ('waiting', 'claimed')) as waiting"
        " from delivery.lanes l left join delivery.lane_items i using (lane_id)"
        " where $1 or l.state <> 'flowing' group by l.lane_id order by l.next_attempt_at, l.lane_id",
        everything,
    )
    return [
        LaneItem(
            lane=r["lane_id"], recipient=name_of.get(r["recipient"], str(r["recipient"])), channel=r["channel"],
            waiting=r["waiting"], state=r["state"], attempts=r["attempts"],
            next_attempt_at=None if r["state"] == "parked" else r["next_attempt_at"], error_code=r["error_code"],
        )
        for r in rows
    ]  # fmt: skip

"""Public keys of agencies' own edges, dated like signing keys. One counts at a time; the newest ends the others.

An agency with any row here is performed by its own edge: an ended key gives nothing back to the hub.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.errors import Conflict, NotAllowed
from contracts.sealing.release import EdgePublicKey

_HELD_ALONE = "select pg_advisory_xact_lock(hashtextextended('delivery.edge_keys/' || $1::text, 0))"
_END_OTHERS = """
    update delivery.edge_keys set valid_to = $3 where agency_id = $1 and key_id <> $2 and valid_to is null
"""
_ADD = """
    insert into delivery.edge_keys (agency_id, key_id, public_key, valid_from, asked_at) values ($1, $2, $3, $4, $4)
    on conflict (agency_id, key_id) do update set asked_at = excluded.asked_at
    returning valid_to
"""


async def add(connection: Any, agency_id: UUID, key: EdgePublicKey, now: datetime) -> None:
    """Let ``key`` count from now on, and no other. The same key again changes nothing.

    Raises:
        Conflict: ``edge-key-ended``; another key took this one's place before.
    """
    await connection.execute(_HELD_ALONE, str(agency_id))
    if await connection.fetchval(_ADD, agency_id, key.key_id, key.raw, now) is not None:
        raise Conflict(
            "another key took the place of this one", code="edge-key-ended", field="public_key",
            remedy="Make a new key: sampan edge init --new-key.",
        )  # fmt: skip
    await connection.execute(_END_OTHERS, agency_id, key.key_id, now)


_ASKED = """
    update delivery.edge_keys set asked_at = $3
     where agency_id = $1 and key_id = $2 and valid_from <= $3 and (valid_to is null or valid_to > $3)
    returning public_key
"""


async def asked(connection: Any, agency_id: UUID, key_id: str, now: datetime) -> EdgePublicKey:
    """The key that an edge asks with, if it counts; remembers that the edge is there.

    Raises:
        NotAllowed: ``edge-key-unknown``; never registered, or ended.
    """
    raw = await connection.fetchval(_ASKED, agency_id, key_id, now)
    if raw is None:
        raise NotAllowed(
            "this edge's key does not count, or no longer", code="edge-key-unknown", field="key_id",
            remedy="If another machine took over, stop this one; else run: sampan edge init --new-key.",
        )  # fmt: skip
    return EdgePublicKey(raw)


async def own_edges(connection: Any, agencies: Collection[UUID]) -> set[UUID]:
    """Which of these agencies run an edge of their own."""
    rows = await connection.fetch(
        "select distinct agency_id from delivery.edge_keys where agency_id = any($1::uuid[])", list(agencies)
    )
    return {row["agency_id"] for row in rows}

"""A fence in the hub's own database, for a vault whose rows are in another one.

Embedded, taking in an event about a person holds her key's row until it is in the log, and erasing her waits for
that: no event about her and others slips in behind an erasure and is lost to the others. A vault apart has
committed long before, so both sides meet at an advisory lock of *their* database, held until their own commit.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

_SHARE = "select pg_advisory_xact_lock_shared(k) from unnest($1::bigint[]) as u(k)"


async def share(connection: Any, subject_ids: Collection[UUID]) -> None:
    """Before events about these persons are taken in. Many may share; in order, so that nobody waits in a ring."""
    await connection.execute(_SHARE, sorted(_key(subject_id) for subject_id in set(subject_ids)))


async def exclude(connection: Any, subject_id: UUID) -> None:
    """Before she is erased: waits for those who share, and keeps later ones waiting."""
    await connection.execute("select pg_advisory_xact_lock($1)", _key(subject_id))


def _key(subject_id: UUID) -> int:
    """From the random half of the id."""
    return int.from_bytes(subject_id.bytes[8:], "big", signed=True)

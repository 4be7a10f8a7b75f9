"""The vault's SQL, each statement beside the function that runs it. Every function takes many rows at once.

All run on the caller's connection, inside the caller's transaction. Gate rows are locked in sorted order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID


class SubjectKey(NamedTuple):
    """A subject's key, and the epoch of the key that wraps it."""

    kek_epoch: int
    wrapped: bytes


class GrantRow(NamedTuple):
    """A grant together with its subject's gate (locked until the transaction ends) and key."""

    subject_id: UUID
    recipient: UUID
    gate_version: int
    expires_at: datetime | None
    revoked: bool
    sealed: bytes
    version: int
    closed: bool
    kek_epoch: int | None
    wrapped_key: bytes | None


_SUBJECT_KEYS = """
    select subject_id, kek_epoch, wrapped_key from vault.subject_keys where subject_id = any($1::uuid[])
"""


async def subject_keys(connection: Any, ids: Collection[UUID]) -> dict[UUID, SubjectKey]:
    """Whoever is unknown or erased is missing."""
    rows = await connection.fetch(_SUBJECT_KEYS, list(ids))
    return {row["subject_id"]: SubjectKey(row["kek_epoch"], row["wrapped_key"]) for row in rows}


_NEW_SUBJECTS = """
    with gate as (
        insert into vault.gates (subject_id) select * from unnest($1::uuid[]) order by 1
        on conflict do nothing returning subject_id
    )
    insert into vault.subject_keys (subject_id, kek_epoch, wrapped_key, created_at)
    select n.id, $2, n.wrapped, $4
      from unnest($1::uuid[], $3::bytea[]) as n(id, wrapped) join gate on gate.subject_id = n.id
"""


async def insert_subjects(connection: Any, wrapped: Mapping[UUID, bytes], epoch: int, now: datetime) -> None:
    """New subjects, each with an open gate. Who has a gate already (made now, or erased) is left alone."""
    await connection.execute(_NEW_SUBJECTS, list(wrapped), epoch, list(wrapped.values()), now)


_BUNDLES = """
    with alive as (
        select subject_id from vault.subject_keys
         where subject_id = any($1::uuid[]) order by subject_id for key share
    ), inserted as (
        insert into vault.key_bundles (subject_id, event_id, wrapped)
        select n.* from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as n(subject_id, event_id, wrapped)
          join alive using (subject_id)
        on conflict (subject_id, event_id) do nothing
    )
    select count(*) from alive
"""


async def insert_bundles(connection: Any, rows: Sequence[tuple[UUID, UUID, bytes]]) -> bool:
    """(subject, event, wrapped) each. What was admitted once stays: no later event can replace its keys.

    No subject is erased before this transaction ends. False: one of them was erased meanwhile.
    """
    alive: int = await connection.fetchval(_BUNDLES, *(list(column) for column in zip(*rows, strict=True)))
    return alive == len({subject_id for subject_id, _, _ in rows})


async def lock_events(connection: Any, event_ids: Collection[UUID]) -> None:
    """Nobody else admits these events before this transaction ends. In order, so that nobody waits in a ring."""
    keys = sorted(int.from_bytes(event_id.bytes[8:], "big", signed=True) for event_id in set(event_ids))
    await connection.execute("select pg_advisory_xact_lock(k) from unnest($1::bigint[]) as u(k)", keys)


_HOLD = (
    "select 1 from vault.subject_keys where subject_id = $1 for update",
    "select 1 from vault.gates where subject_id = $1 for update",
)


async def hold_subject(connection: Any, subject_id: UUID) -> None:
    """Nobody admits an event about her or opens anything before this transaction ends; waits for who does so now."""
    for statement in _HOLD:  # the key, then the gate: as :func:`erase` takes them
        await connection.execute(statement, subject_id)


async def count_bundles(connection: Any, subject_id: UUID) -> int:
    """In how many events something of hers is sealed."""
    count: int = await connection.fetchval(
        "select count(*) from vault.key_bundles where subject_id = $1", subject_id
    )
    return count


_REPLACE = """
    update vault.key_bundles b set wrapped = n.wrapped
      from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as n(subject_id, event_id, wrapped)
     where b.subject_id = n.subject_id and b.event_id = n.event_id
"""


async def replace_bundles(connection: Any, rows: Sequence[tuple[UUID, UUID, bytes]]) -> None:
    """(subject, event, wrapped) each."""
    await connection.execute(_REPLACE, *(list(column) for column in zip(*rows, strict=True)))


_READ_BUNDLES = """
    select b.subject_id, b.event_id, b.wrapped
      from unnest($1::uuid[], $2::uuid[]) as n(subject_id, event_id)
      join vault.key_bundles b using (subject_id, event_id)
"""


async def bundles(connection: Any, wanted: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], bytes]:
    """By (subject, event)."""
    rows = await connection.fetch(_READ_BUNDLES, [s for s, _ in wanted], [e for _, e in wanted])
    return {(row["subject_id"], row["event_id"]): row["wrapped"] for row in rows}


async def all_bundles(connection: Any, subject_id: UUID) -> dict[UUID, bytes]:
    """A subject's bundles by event, locked."""
    rows = await connection.fetch(
        "select event_id, wrapped from vault.key_bundles where subject_id = $1 order by event_id for update",
        subject_id,
    )
    return {row["event_id"]: row["wrapped"] for row in rows}


_NARROW = """
    with counted as (
        select id, count(*) as times from unnest($1::uuid[]) as u(id) group by id
    ), locked as (
        select g.subject_id, c.times
          from vault.gates g join counted c on c.id = g.subject_id
         order by g.subject_id
           for update of g
    )
    update vault.gates g set version = g.version + l.times
      from locked l
     where g.subject_id = l.subject_id
    returning g.subject_id, g.version
"""


async def narrow(connection: Any, ids: Sequence[UUID]) -> dict[UUID, int]:
    """Raise each gate's version by the number of times its subject is listed; returns the new versions."""
    return {row["subject_id"]: row["version"] for row in await connection.fetch(_NARROW, list(ids))}


_NARROW_ONCE = """
    with fresh as (
        insert into vault.narrowings (event_id, subject_id)
        select distinct e, s from unnest($1::uuid[], $2::uuid[]) as n(e, s) order by 1, 2
        on conflict do nothing returning subject_id
    ), counted as (
        select subject_id, count(*) as times from fresh group by subject_id
    ), locked as (
        select g.subject_id, c.times
          from vault.gates g join counted c using (subject_id)
         order by g.subject_id
           for update of g
    )
    update vault.gates g set version = g.version + l.times
      from locked l
     where g.subject_id = l.subject_id
"""


async def narrow_once(connection: Any, narrowings: Collection[tuple[UUID, UUID]]) -> None:
    """(event, subject) each: raise the gate's version for each pair that was never counted before."""
    await connection.execute(_NARROW_ONCE, [e for e, _ in narrowings], [s for _, s in narrowings])


_SET_CLOSED = """
    with locked as (
        select subject_id from vault.gates where subject_id = any($1::uuid[]) order by subject_id for update
    )
    update vault.gates g
       set version = g.version + 1, closed = $2, reason_code = $3
      from locked l
     where g.subject_id = l.subject_id and g.reason_code <> 'erased'
"""


async def set_closed(connection: Any, ids: Collection[UUID], closed: bool, reason_code: str) -> None:
    """Shut or open gates for good; an erased one stays shut."""
    await connection.execute(_SET_CLOSED, list(ids), closed, reason_code)


async def gate_versions(connection: Any, ids: Collection[UUID]) -> dict[UUID, int]:
    """The versions now, without a lock."""
    rows = await connection.fetch(
        "select subject_id, version from vault.gates where subject_id = any($1::uuid[])", list(ids)
    )
    return {row["subject_id"]: row["version"] for row in rows}


_PUT_GRANTS = """
    insert into vault.grants (dispatch_id, subject_id, recipient, gate_version, expires_at, sealed)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::timestamptz[], $6::bytea[])
    on conflict (dispatch_id) do nothing
"""


async def insert_grants(
    connection: Any, rows: Sequence[tuple[UUID, UUID, UUID, int, datetime | None, bytes]]
) -> None:
    """(dispatch, subject, recipient, gate version, expiry, sealed list) each; known ones stay as they are."""
    await connection.execute(_PUT_GRANTS, *(list(column) for column in zip(*rows, strict=True)))


_CHANGE_GRANTS = """
    update vault.grants g
       set sealed = n.sealed, gate_version = greatest(g.gate_version, n.gate_version),
           revoked = g.revoked or n.revoked
      from unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::boolean[])
           as n(dispatch_id, sealed, gate_version, revoked)
     where g.dispatch_id = n.dispatch_id
"""


async def change_grants(connection: Any, rows: Sequence[tuple[UUID, bytes, int, bool]]) -> None:
    """(dispatch, sealed list, gate version, revoked) each. What is revoked stays revoked."""
    await connection.execute(_CHANGE_GRANTS, *(list(column) for column in zip(*rows, strict=True)))


async def sealed_grants(connection: Any, dispatch_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, bytes]]:
    """dispatch → (subject, sealed list), locked in order."""
    rows = await connection.fetch(
        "select dispatch_id, subject_id, sealed from vault.grants where dispatch_id = any($1::uuid[])"
        " order by dispatch_id for update",
        list(dispatch_ids),
    )
    return {row["dispatch_id"]: (row["subject_id"], row["sealed"]) for row in rows}


_RENEW = """
    update vault.grants g set gate_version = n.version
      from unnest($1::uuid[], $2::bigint[]) as n(subject_id, version)
     where g.subject_id = n.subject_id and not g.revoked and g.gate_version < n.version
"""


async def renew_grants(connection: Any, versions: Mapping[UUID, int]) -> None:
    """What was not revoked is valid under the new gate version too."""
    await connection.execute(_RENEW, list(versions), list(versions.values()))


_TICKETS = """
    select g.dispatch_id, g.subject_id, g.recipient, g.gate_version, g.expires_at, g.revoked, g.sealed,
           t.version, t.closed, k.kek_epoch, k.wrapped_key
      from vault.grants g
      join vault.gates t on t.subject_id = g.subject_id
      left join vault.subject_keys k on k.subject_id = g.subject_id
     where g.dispatch_id = any($1::uuid[])
     order by t.subject_id, g.dispatch_id
       for share of t, g
"""


async def tickets(connection: Any, dispatch_ids: Collection[UUID]) -> dict[UUID, GrantRow]:
    """Grants with their gates, which stay as they are until this transaction ends."""
    rows = await connection.fetch(_TICKETS, list(dispatch_ids))
    return {row["dispatch_id"]: GrantRow(*tuple(row)[1:]) for row in rows}


async def erase(connection: Any, subject_id: UUID) -> None:
    """Destroy key, bundles and grant lists; shut the gate for ever.

    The key goes first: that waits for whoever is taking in an event about her, and whoever comes later waits
    for this.
    """
    await connection.execute("delete from vault.subject_keys where subject_id = $1", subject_id)
    await connection.execute(
        """insert into vault.gates (subject_id, version, closed, reason_code) values ($1, 1, true, 'erased')
           on conflict (subject_id) do update
              set version = gates.version + 1, closed = true, reason_code = 'erased'""",
        subject_id,
    )
    await connection.execute("delete from vault.key_bundles where subject_id = $1", subject_id)
    await connection.execute(
        "update vault.grants set revoked = true, sealed = '' where subject_id = $1", subject_id
    )

"""A recipient's inbox: a gapless feed of envelopes, and the opening of what a dispatch grants.

The inbox is written in the transaction that takes a dispatch in, so a second entry cannot happen. Reading
opens at read time; nothing rendered is stored.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from contracts.api import InboxItem, InboxPage, OpenedItem
from contracts.api import Note as NoteItem
from contracts.decision import Dispatch
from contracts.ids import Random
from contracts.roles import Basis, Group, Priority, Purpose, in_order
from routing.directory import Directory
from services.delivery import store
from services.delivery.openings import Asked, Openings, not_here
from services.delivery.store import StoredDispatch
from services.edge.envelope import open_envelope
from services.edge.opening import Opener
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor

PAGE_MAX = 500


class Inbox:
    """One inbox a recipient; the recipient is always an argument and never a field of what is asked for."""

    def __init__(
        self, store_: PostgresStore, vault: VaultDoor, opener: Opener, directory: Directory, random: Random
    ) -> None:
        self._store, self._vault, self._directory = store_, vault, directory
        self._openings = Openings(store_, vault, opener, random)

    async def page(self, recipient: UUID, after: int, limit: int) -> InboxPage:
        """Envelopes behind cursor ``after``, in order; cursors are dense from 1."""
        wanted = max(1, min(limit, PAGE_MAX))
        async with self._store.pool.acquire() as connection:
            rows = await store.page(connection, recipient, after, wanted + 1)
            keys = await self._vault.facts_keys(connection, {row.subject_id for _, row in rows})
        items = [self._item(cursor, row, keys.get(row.subject_id)) for cursor, row in rows[:wanted]]
        return InboxPage(items=items, next=items[-1].cursor if items else after, more=len(rows) > wanted)

    async def item(self, recipient: UUID, alias: UUID) -> InboxItem:
        """One envelope.

        Raises:
            NotFound: not in this inbox; another agency's is as absent as one that never was.
        """
        async with self._store.pool.acquire() as connection:
            cursor, row = await self._row(connection, recipient, alias)
            keys = await self._vault.facts_keys(connection, [row.subject_id])
        return self._item(cursor, row, keys.get(row.subject_id))

    async def open(self, recipient: UUID, alias: UUID, groups: Collection[Group]) -> OpenedItem:
        """Open groups of a dispatch; none named means all that is granted. The opening is recorded first.

        Raises:
            NotFound: not in this inbox, or not granted.
            GateClosed, StaleTicket: see the vault.
        """
        return await self._openings.open(Asked(recipient, alias, frozenset(groups)))

    async def _row(self, connection: Any, recipient: UUID, alias: UUID) -> tuple[int, StoredDispatch]:
        found = await store.by_alias(connection, recipient, alias)
        if found is None:
            raise not_here()
        return found

    def _item(self, cursor: int, row: StoredDispatch, key: bytes | None) -> InboxItem:
        if key is None:
            return self._erased(cursor, row)
        dispatch = open_envelope(key, row.dispatch_id, row.sealed, row.narrowed)
        return InboxItem(
            cursor=cursor,
            dispatch=row.alias,
            event=dispatch.event,
            purpose=Purpose(dispatch.purpose),
            priority=Priority(dispatch.priority),
            basis=Basis(dispatch.basis),
            case_code=self._vault.case_code(row.case_id, row.recipient),
            case_ref=self._vault.alias("case", row.case_id, row.recipient),
            subject_ref=self._vault.alias("subject", row.subject_id, row.recipient),
            from_role=dispatch.emitter_address or "Sampan",
            from_agency=self._directory.by_slug(dispatch.emitter).name if dispatch.emitter else None,
            groups=in_order(dispatch.groups),
            items=sorted(dispatch.items),
            consent_ref=self._consent(dispatch, row.recipient),
            notes=[
                NoteItem(code=n.code, person=n.person, groups=[Group(g) for g in n.groups])
                for n in dispatch.notes
            ],
            dated=dispatch.dated,
            received_at=row.received_at,
            acknowledge_by=row.acknowledge_by,
            decide_by=row.decide_by,
            status=row.status,
            opened_at=row.opened_at,
            recalled=row.recalled,
        )

    def _consent(self, dispatch: Dispatch, recipient: UUID) -> UUID | None:
        return self._vault.alias("consent", dispatch.consents[0], recipient) if dispatch.consents else None

    def _erased(self, cursor: int, row: StoredDispatch) -> InboxItem:
        """What is left of an erased person's dispatch: that there was one."""
        return InboxItem(
            cursor=cursor, dispatch=row.alias, event="SubjectErased", purpose=Purpose.FEEDBACK,
            priority=Priority.ROUTINE, basis=Basis.STATUTE, case_code="", case_ref=row.alias, subject_ref=row.alias,
            from_role="Sampan", groups=[], dated=row.dated, received_at=row.received_at, status="cancelled",
            recalled=True,
        )  # fmt: skip

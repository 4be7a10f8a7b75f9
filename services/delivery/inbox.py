"""A recipient's inbox: a gapless feed of envelopes, and the opening of what a dispatch grants.

The inbox is written in the transaction that takes a dispatch in, so a second entry cannot happen. Reading
opens at read time; nothing rendered is stored. A refusal is reported to the case before it is answered.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.api import InboxItem, InboxPage, OpenedItem
from contracts.api import Note as NoteItem
from contracts.codec import encode
from contracts.decision import Dispatch
from contracts.errors import NotFound, SampanError
from contracts.ids import Random, new_id
from contracts.records import DeliveryEvent, RunningEvent
from contracts.roles import Basis, Group, Priority, Purpose
from contracts.schema_ids import schema_id
from contracts.sealing import frame
from contracts.topic_names import CASE_EVENTS, DELIVERY_EVENTS
from routing.directory import Directory
from services.delivery import store
from services.delivery.store import StoredDispatch
from services.edge.envelope import open_envelope
from services.edge.opening import Opened, Opener
from services.runtime.log.port import NewRecord
from services.runtime.store.postgres import PostgresStore
from services.vault.vault import Vault

PAGE_MAX = 500
RUNNING_EVENT = schema_id("running_event.v1")
DELIVERY_EVENT = schema_id("delivery_event.v1")


class Inbox:
    """One inbox a recipient; the recipient is always an argument and never a field of what is asked for."""

    def __init__(
        self, store_: PostgresStore, vault: Vault, opener: Opener, directory: Directory, random: Random
    ) -> None:
        self._store, self._vault, self._opener = store_, vault, opener
        self._directory, self._random = directory, random

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
        try:
            return await self._open(recipient, alias, frozenset(groups))
        except _Refused as refused:
            await self._report_refusal(refused.row, recipient)
            raise refused.error from None

    async def _open(self, recipient: UUID, alias: UUID, groups: frozenset[str]) -> OpenedItem:
        async with self._store.unit_of_work() as work:
            _, row = await self._row(work.connection, recipient, alias)
            keys = await self._vault.facts_keys(work.connection, [row.subject_id])
            if row.subject_id not in keys:
                raise _not_here()
            dispatch = open_envelope(keys[row.subject_id], row.dispatch_id, row.sealed, row.narrowed)
            wanted = groups - {Group.F0} or frozenset(dispatch.groups)
            if not wanted <= set(dispatch.groups):
                raise _Refused(row, _not_granted())
            try:
                opened = await self._opener.open(work.connection, dispatch, recipient, wanted, work.now)
            except SampanError as error:
                if error.retryable:
                    raise
                raise _Refused(row, error) from None
            await store.mark_opened(work.connection, row.dispatch_id, work.now)
            work.emit(self._disclosed(row, work.now))
        return _opened_item(row, opened, work.now)

    async def _row(self, connection: Any, recipient: UUID, alias: UUID) -> tuple[int, StoredDispatch]:
        found = await store.by_alias(connection, recipient, alias)
        if found is None:
            raise _not_here()
        return found

    def _disclosed(self, row: StoredDispatch, now: datetime) -> NewRecord:
        event = DeliveryEvent(
            event_id=new_id(self._random, now), kind="DisclosureMade", dispatch_id=row.dispatch_id,
            case_id=row.case_id, recipient=row.recipient, channel="inbox", at=now,
        )  # fmt: skip
        return NewRecord(DELIVERY_EVENTS, row.case_id, frame(DELIVERY_EVENT, encode(event)))

    async def _report_refusal(self, row: StoredDispatch, recipient: UUID) -> None:
        """The owner is told that somebody tried to read what was not granted."""
        async with self._store.unit_of_work() as work:
            event = RunningEvent(
                event_id=new_id(self._random, work.now), kind="DisclosureRefused", case_id=row.case_id,
                subject_id=row.subject_id, at=work.now, dispatch_id=row.dispatch_id, by_agency=recipient,
            )  # fmt: skip
            work.emit(NewRecord(CASE_EVENTS, row.log_key, frame(RUNNING_EVENT, encode(event)),
                                {"ce_type": b"org.sampan.running-event"}))  # fmt: skip

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
            groups=[Group(group) for group in sorted(dispatch.groups, key=_order)],
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


class _Refused(Exception):
    def __init__(self, row: StoredDispatch, error: SampanError) -> None:
        self.row, self.error = row, error


def _opened_item(row: StoredDispatch, opened: Opened, now: datetime) -> OpenedItem:
    return OpenedItem(
        dispatch=row.alias,
        groups={group: dict(content.revealed()) for group, content in opened.groups.items()},
        items=dict(opened.items),
        opened_at=now,
    )


def _order(group: str) -> int:
    return int(group[1:])


def _not_here() -> NotFound:
    return NotFound(
        "no such dispatch is in this inbox",
        code="unknown-dispatch",
        field="dispatch",
        remedy="`sampan inbox` lists what is.",
    )


def _not_granted() -> NotFound:
    return NotFound(
        "there is nothing here for you to open",
        code="not-granted",
        field="groups",
        remedy="The inbox item lists the groups that you may open.",
    )

"""Openings: wishes that wait at the same moment are opened and recorded in one transaction.

    find the dispatch  →  its envelope  →  the vault looks at grant and gate  →  record  →  commit  →  answer

Nobody reads before the commit that records it. What is refused is reported to the case in the same commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg
import structlog

from contracts.api import OpenedItem
from contracts.decision import Dispatch
from contracts.errors import NotFound, SampanError
from contracts.ids import Random, new_id
from contracts.records import DeliveryEvent, RunningEvent
from contracts.roles import Group
from services.delivery import store
from services.delivery.events import delivery_record
from services.delivery.store import StoredDispatch
from services.edge.envelope import open_envelope
from services.edge.opened import Opened
from services.edge.opening import Opener, Wish
from services.runtime.failures import error_code, is_transient, raised_at
from services.runtime.group_commit import GroupCommit
from services.runtime.log.findings import finding_record
from services.runtime.log.port import NewRecord
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor

_BATCH_MAX: Final = 64
"""Gates of this many openings are held at once; a withdrawal waits for them."""
_log = structlog.get_logger(__name__)


class Asked(NamedTuple):
    """Who wants to open what; no group named means all that is granted."""

    recipient: UUID
    alias: UUID
    groups: frozenset[str]


@dataclass(slots=True)
class _Opening:
    """One wish on its way; ``result`` is set as soon as it is known."""

    asked: Asked
    row: StoredDispatch | None = None
    dispatch: Dispatch | None = None
    result: OpenedItem | SampanError | None = None

    def refuse(self, error: SampanError) -> None:
        self.result = error

    @property
    def wish(self) -> Wish:
        assert self.dispatch is not None
        return Wish(
            self.dispatch,
            self.asked.recipient,
            self.asked.groups - {Group.F0} or frozenset(self.dispatch.groups),
        )


class Openings:
    """Opens for recipients."""

    def __init__(self, store_: PostgresStore, vault: VaultDoor, opener: Opener, random: Random) -> None:
        self._store, self._vault, self._opener, self._random = store_, vault, opener, random
        self._commit: GroupCommit[Asked, OpenedItem] = GroupCommit(self._together, batch_max=_BATCH_MAX)

    async def open(self, asked: Asked) -> OpenedItem:
        """Open groups of a dispatch. The opening is recorded first.

        Raises:
            NotFound: not in this inbox, or not granted.
            GateClosed, StaleTicket: see the vault.
        """
        return await self._commit.ask(asked)

    async def _together(self, batch: Sequence[Asked]) -> list[OpenedItem | BaseException]:
        """In one transaction; where that fails, one by one, so that each answers for itself alone."""
        try:
            return await self._transact(batch)
        except asyncpg.TransactionRollbackError:
            pass  # another transaction changed two of these dispatches in another order
        except Exception as error:
            if len(batch) == 1 or is_transient(error):  # the database is gone for all of them
                raise
            # One by one it may not come again, and whoever must mend it would never hear of it.
            _log.error("openings_failed_together", error=error_code(error), at=raised_at(error))
        results: list[OpenedItem | BaseException] = []
        for asked in batch:
            try:
                results += await self._transact([asked])
            except Exception as error:  # noqa: BLE001 (raised to who asked)
                results.append(error)
        return results

    async def _transact(self, batch: Sequence[Asked]) -> list[OpenedItem | BaseException]:
        openings = [_Opening(asked) for asked in batch]
        async with self._store.unit_of_work() as work:
            await self._find(work.connection, openings)
            found = [one for one in openings if one.result is None]
            results = await self._opener.open_many(work.connection, [one.wish for one in found], work.now)
            for one, result in zip(found, results, strict=True):
                one.result = (
                    result if isinstance(result, SampanError) else _opened_item(one, result, work.now)
                )
            opened = [one for one in found if isinstance(one.result, OpenedItem)]
            await store.mark_opened(work.connection, {_row(one).dispatch_id for one in opened}, work.now)
            for one in openings:
                if (record := self._record(one, work.now)) is not None:
                    work.emit(record)
        return [one.result for one in openings if one.result is not None]

    async def _find(self, connection: Any, openings: Sequence[_Opening]) -> None:
        """The dispatches, each with its envelope opened, and those refused that ask for what is not there."""
        rows = await store.by_aliases(connection, {one.asked.alias for one in openings})
        keys = await self._vault.facts_keys(connection, {row.subject_id for row in rows.values()})
        for one in openings:
            row = rows.get(one.asked.alias)
            if row is None or row.recipient != one.asked.recipient or row.subject_id not in keys:
                one.refuse(not_here())
                continue
            try:
                one.dispatch = open_envelope(keys[row.subject_id], row.dispatch_id, row.sealed, row.narrowed)
            except SampanError as error:
                one.refuse(error)
                continue
            one.row = row
            if not one.wish.groups <= set(one.dispatch.groups):
                one.refuse(_not_granted())

    def _record(self, one: _Opening, now: datetime) -> NewRecord | None:
        """The opening; or, where it was refused for good, a word to the owner that somebody tried."""
        if one.row is None:
            return None
        if isinstance(one.result, OpenedItem):
            return self._disclosed(one.row, now)
        if isinstance(one.result, SampanError) and not one.result.retryable:
            return self._refused(one.row, now)
        return None

    def _disclosed(self, row: StoredDispatch, now: datetime) -> NewRecord:
        event = DeliveryEvent(
            event_id=new_id(self._random, now), kind="DisclosureMade", dispatch_id=row.dispatch_id,
            case_id=row.case_id, recipient=row.recipient, channel="inbox", at=now,
        )  # fmt: skip
        return delivery_record(event)

    def _refused(self, row: StoredDispatch, now: datetime) -> NewRecord:
        event = RunningEvent(
            event_id=new_id(self._random, now), kind="DisclosureRefused", case_id=row.case_id,
            subject_id=row.subject_id, at=now, dispatch_id=row.dispatch_id, by_agency=row.recipient,
        )  # fmt: skip
        return finding_record(event, row.log_key)


def not_here() -> NotFound:
    """Another agency's dispatch is as absent as one that never was."""
    return NotFound(
        "no such dispatch is in this inbox", code="unknown-dispatch", field="dispatch",
        remedy="`sampan inbox` lists what is.",
    )  # fmt: skip


def _not_granted() -> NotFound:
    return NotFound(
        "there is nothing here for you to open", code="not-granted", field="groups",
        remedy="The inbox item lists the groups that you may open.",
    )  # fmt: skip


def _row(one: _Opening) -> StoredDispatch:
    assert one.row is not None
    return one.row


def _opened_item(one: _Opening, opened: Opened, now: datetime) -> OpenedItem:
    return OpenedItem(
        dispatch=_row(one).alias,
        groups={group: dict(content.revealed()) for group, content in opened.groups.items()},
        items=dict(opened.items),
        opened_at=now,
    )

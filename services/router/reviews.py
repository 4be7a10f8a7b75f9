"""The review desk: questions that only a person may answer, and their answers, which are records like any other."""

from __future__ import annotations

from uuid import UUID

import msgspec

from contracts.api import ReviewItem
from contracts.decision import ReviewOpened, RuleRef
from contracts.errors import Conflict, InvalidInput, NotFound
from contracts.ids import Random, new_id
from contracts.records import RunningEvent
from routing.directory import Directory
from routing.limits import read_limit
from services.router import store
from services.router.effects import REVIEW
from services.router.store import ReviewRow
from services.runtime.log.findings import finding_record
from services.runtime.registry import Caller
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor

ACTIONS = ("release", "refuse")


class Reviews:
    """What waits for a person, for an agency's desk or the operator's."""

    def __init__(self, store_: PostgresStore, vault: VaultDoor, directory: Directory, random: Random) -> None:
        self._store, self._vault, self._directory, self._random = store_, vault, directory, random

    async def list(self, caller: Caller, *, everything: bool = False) -> list[ReviewItem]:
        """The questions the caller may see, soonest deadline first."""
        async with self._store.pool.acquire() as connection:
            rows = await store.reviews(
                connection, desk=caller.agency_id, operator=caller.is_operator, everything=everything
            )
            keys = await self._vault.facts_keys(connection, {row.subject_id for row in rows})
            return [self._item(row, keys[row.subject_id], caller) for row in rows if row.subject_id in keys]

    async def show(self, caller: Caller, review_id: UUID) -> ReviewItem:
        """One question.

        Raises:
            NotFound: none that this caller may know of.
        """
        async with self._store.pool.acquire() as connection:
            row = await store.review(connection, review_id)
            if row is None or not _may_see(row, caller):
                raise no_review()
            keys = await self._vault.facts_keys(connection, [row.subject_id])
        if row.subject_id not in keys:
            raise no_review()
        return self._item(row, keys[row.subject_id], caller)

    async def resolve(
        self,
        caller: Caller,
        review_id: UUID,
        action: str,
        reason: str,
        second: str | None,
        limit: str | None = None,
    ) -> ReviewItem:
        """Answer a question. The reason is kept sealed; the router acts when it reads the answer.

        Args:
            limit: how far a release goes (:mod:`routing.limits`).

        Raises:
            InvalidInput: no such action, no reason, no such limit, or a second person is needed.
            Conflict: somebody answered it before.
            NotFound: none that this caller may know of.
        """
        _check(action, reason, limit)
        async with self._store.unit_of_work() as work:
            row = await store.lock_review(work.connection, review_id)
            if row is None or not _may_see(row, caller):
                raise no_review()
            if row.state != "open":
                raise Conflict("this review was answered before", code="review-closed", field="review")
            if row.needs_second_person and not (second or "").strip():
                raise InvalidInput(
                    "this decision needs a second person",
                    code="second-missing",
                    field="second",
                    remedy="Name who agreed: --second NAME.",
                )
            keys = await self._vault.facts_keys(work.connection, [row.subject_id])
            if row.subject_id not in keys:  # erased meanwhile: there is nothing to decide about
                raise no_review()
            opened = self._open(row, keys[row.subject_id])
            state = "released" if action == "release" else "refused"
            await store.close_reviews(work.connection, [(review_id, state)], work.now)
            event = RunningEvent(
                event_id=new_id(self._random, work.now), kind="ReviewResolved", case_id=row.case_id,
                subject_id=row.subject_id, at=work.now, review_id=review_id, of_event=opened.event_id,
                by_agency=caller.agency_id, action=action, second="named" if second else None, limit=limit,
            )  # fmt: skip
            words = msgspec.msgpack.encode({"action": action, "reason": reason, "second": second, "limit": limit})
            sealed = self._vault.seal_facts(keys[row.subject_id], words, REVIEW + event.event_id.bytes)
            await store.keep_reason(work.connection, event.event_id, row, caller.agency_id, sealed, work.now)
            work.emit(finding_record(event, row.log_key))
        return await self.show(caller, review_id)

    def _open(self, row: ReviewRow, key: bytes) -> ReviewOpened:
        return msgspec.msgpack.decode(
            self._vault.open_facts(key, row.sealed, REVIEW + row.review_id.bytes), type=ReviewOpened
        )

    def _item(self, row: ReviewRow, key: bytes, caller: Caller) -> ReviewItem:
        opened = self._open(row, key)
        return ReviewItem(
            review=row.review_id,
            desk=self._directory.by_id(row.desk).slug if row.desk else "operator",
            case_code=self._vault.case_code(row.case_id, caller.agency_id),
            event=opened.event,
            opened_at=row.opened_at,
            deadline_at=row.due_at,
            reason=opened.reason,
            rules=[_rule(rule) for rule in opened.rules],
            asks=list(opened.asks),
            options=list(opened.options),
            needs_second_person=row.needs_second_person,
            state=row.state,
        )


def _check(action: str, reason: str, limit: str | None) -> None:
    if action not in ACTIONS:
        raise InvalidInput(
            "a review is released or refused",
            code="bad-action",
            field="action",
            remedy="Say release or refuse.",
        )
    if not reason.strip():
        raise InvalidInput(
            "a decision needs its reason",
            code="reason-missing",
            field="reason",
            remedy="Say in a sentence why.",
        )
    if limit is not None:
        read_limit(limit)
        if action == "refuse":
            raise InvalidInput(
                "a refusal has no limit", code="bad-limit", field="limit", remedy="Refuse without it, or release."
            )


def _rule(rule: RuleRef) -> str:
    return rule.id


def _may_see(row: ReviewRow, caller: Caller) -> bool:
    return row.desk == caller.agency_id or (row.desk is None and caller.is_operator)


def no_review() -> NotFound:
    """What another desk's question looks like, too."""
    return NotFound(
        "no such review waits for you",
        code="unknown-review",
        field="review",
        remedy="`sampan review list` shows what does.",
    )

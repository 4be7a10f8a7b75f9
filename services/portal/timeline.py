"""A case's timeline, as the viewer may see it.

The owner sees the case's decisions whole: who was told, who was not, and by which rule, whoever's event it was.
An owner that a state can make speak sees this of its own events alone, for a lawyer's or a shelter's word may be
about that state. Whoever else emitted an event sees its outcome and those it named itself; a recipient sees what
it received. Everything is opened at read time under the subject's facts key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.address import parse_address
from contracts.api import CaseTimeline, TimelineEntry
from contracts.case_record import AnswerTo
from contracts.decision import Decision, Denied, Dispatch, Held, RuleRef
from contracts.errors import NotFound
from contracts.ids import parse_case_code
from contracts.roles import Purpose, in_order
from routing.directory import Directory
from services.edge.envelope import open_envelope
from services.portal import store
from services.portal.words import Titles
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor
from services.vault.subject_keys import open_facts

RECEIPT = b"router/receipt"


class RecordInner(msgspec.Struct, frozen=True):
    """The part of a receipt's record that a timeline shows."""

    recorded_at: datetime
    to: tuple[str, ...] = ()
    answer: AnswerTo | None = None


class ReceiptInner(msgspec.Struct, frozen=True):
    """The part of a receipt that a timeline shows; the state before is for re-evaluation."""

    record: RecordInner
    decision: Decision


DecidedIn = Callable[[Any, UUID], AbstractAsyncContextManager[Any]]
"""(A connection to the hub's database, case) to one to the database where the case is decided."""


@asynccontextmanager
async def here(connection: Any, case_id: UUID) -> AsyncIterator[Any]:
    """In the same."""
    yield connection


class Timelines:
    """Reads across the rooms' tables; writes nothing.

    Args:
        decided_in: where the router of a case keeps its receipts.
    """

    def __init__(
        self, store_: PostgresStore, vault: VaultDoor, directory: Directory, titles: Titles,
        decided_in: DecidedIn = here,
    ) -> None:  # fmt: skip
        self._store, self._vault, self._decided_in = store_, vault, decided_in
        self._directory, self._titles = directory, titles

    async def resolve(self, viewer: UUID, code_or_ref: str) -> store.CaseView:
        """The case behind a code or reference, and what the viewer calls it and its persons.

        Raises:
            NotFound: no such case that this viewer may know of.
            InvalidInput: a mistyped code.
        """
        async with self._store.pool.acquire() as connection:
            return await self._resolve(connection, viewer, code_or_ref)

    async def _resolve(self, connection: Any, viewer: UUID, code_or_ref: str) -> store.CaseView:
        reference = _as_uuid(code_or_ref)
        if reference is None:
            found = await store.by_code(connection, viewer, parse_case_code(code_or_ref))
        else:
            found = await store.by_ref(connection, viewer, reference)
        if found is None:
            raise NotFound(
                "no such case that you may see",
                code="unknown-case",
                field="case",
                remedy="Read the code again from the receipt or the inbox.",
            )
        return found

    async def case(self, viewer: UUID, code_or_ref: str) -> CaseTimeline:
        """Everything of a case that the viewer may see, oldest first.

        Raises:
            NotFound: as :meth:`resolve`.
        """
        async with self._store.pool.acquire() as connection:
            view = await self._resolve(connection, viewer, code_or_ref)
            free = not self._directory.by_id(viewer).answers_to
            async with self._decided_in(connection, view.case_id) as router:
                receipts = await store.receipts(
                    router, view.case_id, viewer, timers=view.is_owner, others=view.is_owner and free
                )
            received = await store.dispatches(connection, view.case_id, viewer)
            statuses = await store.statuses(connection, view.case_id)
            subjects = {row.subject_id for row in receipts} | {row.subject_id for row in received}
            keys = await self._vault.facts_keys(connection, subjects)
        entries: list[TimelineEntry] = []
        for row in receipts:
            if row.subject_id in keys:
                context = RECEIPT + row.event_id.bytes + row.subject_id.bytes
                inner = msgspec.msgpack.decode(
                    open_facts(keys[row.subject_id], row.sealed, context), type=ReceiptInner
                )
                entries += self._of_event(inner, viewer, row.emitter, statuses, is_owner=view.is_owner)
        for one in received:
            if one.subject_id in keys:
                dispatch = open_envelope(keys[one.subject_id], one.dispatch_id, one.sealed, one.narrowed)
                entries.append(self._received(dispatch, one))
        entries = _each_refusal_once(sorted(entries, key=lambda entry: entry.at))
        return CaseTimeline(
            case_code=view.case_code, case_ref=view.case_ref, role="owner" if view.is_owner else "recipient",
            subjects=list(view.subject_refs), entries=entries,
        )  # fmt: skip

    def _of_event(
        self,
        inner: ReceiptInner,
        viewer: UUID,
        emitter: UUID | None,
        statuses: Mapping[UUID, store.StatusRow],
        *,
        is_owner: bool,
    ) -> Iterable[TimelineEntry]:
        decision = inner.decision
        at = decision.decided_at
        if emitter is not None:
            yield TimelineEntry(
                at=at,
                what="event",
                event=decision.event,
                status=decision.outcome,
                text=self._said(inner, viewer, emitter, statuses),
                rules=[]
                if decision.outcome == "accepted" or not is_owner
                else self._rules(decision.rules_fired),
            )
        named = None if is_owner else self._named(inner.record)
        for dispatch in sorted(decision.dispatches, key=lambda d: (d.order, d.recipient)):
            if named is None or dispatch.recipient in named:
                status = statuses.get(dispatch.dispatch_id)
                if status is None or status.recipient != viewer:  # what the viewer received stands on its own
                    yield self._told(dispatch, viewer, status, at)
        if is_owner and emitter is not None:
            yield from self._not_told(decision)

    def _said(
        self, inner: ReceiptInner, viewer: UUID, emitter: UUID, statuses: Mapping[UUID, store.StatusRow]
    ) -> str:
        """Who reported it; an answer that came by telephone also says for whom it was entered."""
        who = "You" if emitter == viewer else self._directory.by_id(emitter).name
        said = f"{who} reported {inner.decision.event}: {inner.decision.outcome}."
        answer = inner.record.answer
        answered = statuses.get(answer.dispatch_id) if answer is not None else None
        if answer is None or answer.reported_how is None or answered is None:
            return said
        return f"{said} Entered for {self._directory.by_id(answered.recipient).name} ({answer.reported_how})."

    def _named(self, record: RecordInner) -> frozenset[str]:
        """The agencies that the event itself names as recipients."""
        return frozenset(
            agency.slug
            for index, text in enumerate(record.to)
            if not (address := parse_address(text, f"to[{index}]")).is_relation
            for agency in self._directory.resolve(address, record.recorded_at)
        )

    def _not_told(self, decision: Decision) -> Iterable[TimelineEntry]:
        """What of a decision waits, is refused, falls due or is asked of a person."""
        at = decision.decided_at
        for held in decision.held:
            yield self._held(held, at)
        for denied in decision.denied:
            yield self._denied(denied, at)
        for due in decision.deadlines:
            if due.dispatch_id is not None:
                continue  # an answer's deadline stands beside whoever was told
            yield TimelineEntry(
                at=at, what="deadline", event=decision.event, who=self._name(due.owner, due.owner_address),
                deadline_at=due.due_at, asks=list(due.awaits_events) or [f"answer: {due.awaits_answer}"],
                rules=self._rules(due.rules), text=f"Within {due.within}.",
            )  # fmt: skip
        for review in decision.reviews:
            yield TimelineEntry(
                at=at,
                what="review",
                event=review.event,
                who=self._name(review.desk, None),
                asks=list(review.asks),
                rules=self._rules(review.rules),
                text=review.reason,
            )

    def _told(
        self, dispatch: Dispatch, viewer: UUID, status: store.StatusRow | None, at: Any
    ) -> TimelineEntry:
        return TimelineEntry(
            at=at, what="told", event=dispatch.event, who=self._name(dispatch.recipient, dispatch.address),
            purpose=Purpose(dispatch.purpose), groups=in_order(dispatch.groups),
            rules=self._rules(dispatch.rules), status=status.status if status else None,
            deadline_at=dispatch.acknowledge_by,
            dispatch=self._vault.alias("dispatch", dispatch.dispatch_id, viewer),
            text=_how(dispatch, status),
        )  # fmt: skip

    def _held(self, held: Held, at: Any) -> TimelineEntry:
        return TimelineEntry(
            at=at, what="held", event=held.event, who=self._name(held.recipient, held.address),
            asks=list(held.asks), rules=self._rules(held.rules),
            text="Waits for: " + ", ".join(held.asks) + "." if held.asks else "Waits.",
        )  # fmt: skip

    def _denied(self, denied: Denied, at: Any) -> TimelineEntry:
        return TimelineEntry(
            at=at,
            what="not_told",
            event=denied.event,
            asks=list(denied.asks),
            who=self._name(denied.recipient, denied.address),
            rules=self._rules(denied.rules),
        )

    def _received(self, dispatch: Dispatch, row: store.ReceivedRow) -> TimelineEntry:
        return TimelineEntry(
            at=row.received_at, what="recalled" if row.recalled else "told", event=dispatch.event, who="you",
            purpose=Purpose(dispatch.purpose), groups=in_order(dispatch.groups),
            status=row.status, dispatch=row.alias, deadline_at=row.acknowledge_by,
        )  # fmt: skip

    def _name(self, slug: str | None, address: str | None) -> str | None:
        if slug is None or slug == "operator":
            return address or slug
        name = self._directory.by_slug(slug).name
        return f"{name} ({address})" if address else name

    def _rules(self, rules: Iterable[RuleRef]) -> list[str]:
        return [self._titles.of(rule) for rule in rules]


def _how(dispatch: Dispatch, status: store.StatusRow | None) -> str:
    said = ["A call task: telephone them."] if dispatch.via == "duty_phone" else []
    if status is not None and status.opened_at is not None:
        said.append(f"Opened {status.opened_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC.")
    return " ".join(said)


def _each_refusal_once(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    """A refusal holds at every record and is decided again at each; a reader wants to see it when it began."""
    seen: set[tuple[object, ...]] = set()
    kept = []
    for entry in entries:
        if entry.what == "not_told" and entry.who is not None:
            said = (entry.who, tuple(entry.rules), tuple(entry.asks))
            if said in seen or "@*" in entry.who:
                continue
            seen.add(said)
        kept.append(entry)
    return kept


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

"""What happened in a run, and which promises it broke. Pure: every fault suite fills one and asks.

Promises, by channel class (ADR 0080 and the design's "Opening"):

- an acknowledged event is decided, and whom it routes to is told;
- inbox (transactional): each dispatch once, cursors dense from 1;
- webhook (keyed): every notice of a dispatch carries the dispatch's alias as its id, and each dispatch gets one;
- Primero (check-then-act): one case for a person, one referral for a dispatch, however often it was tried;
- within a lane, effects come in the order in which the router said them;
- what a recipient saw was recorded as an opening, and nothing is opened after the acknowledged closing of its gate;
- a withdrawal takes back all that it covers and nothing else, at the recipient too, also past what is parked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An event whose receipt the sender holds, and whom it must reach."""

    event_id: UUID
    reaches: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """A dispatch as the router wrote it to the log; a history holds them in the log's order."""

    dispatch_id: UUID
    alias: UUID
    event_id: UUID
    subject_id: UUID
    recipient: str
    case_id: UUID
    recalled: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """A recorded opening."""

    dispatch_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """A withdrawal: whose, when its sender was told that it is durable, and who may see nothing more."""

    subject_id: UUID
    acknowledged_at: datetime
    recipients: frozenset[str]


@dataclass(frozen=True, slots=True)
class PrimeroEffect:
    """A change in a Primero: what, on which case, for which dispatch (its alias)."""

    what: str
    case: UUID
    dispatch: UUID | None = None


@dataclass(slots=True)
class History:
    """One run, seen from all sides."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    decided: set[UUID] = field(default_factory=set)
    told: list[Told] = field(default_factory=list)
    inboxes: dict[str, list[tuple[int, UUID]]] = field(default_factory=dict)
    notices: list[tuple[UUID, UUID]] = field(default_factory=list)  # (webhook id, dispatch alias in the body)
    primero: list[PrimeroEffect] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    seen: list[UUID] = field(default_factory=list)  # aliases of dispatches that a recipient opened
    closings: list[Closing] = field(default_factory=list)
    waiting_recalls: set[UUID] = field(default_factory=set)  # dispatches whose taking back still waits
    envelopes: set[UUID] = field(default_factory=set)  # events that are word of a case, no referral
    webhook_recipient: str = ""
    primero_recipient: str = ""


def broken_promises(history: History) -> list[str]:
    """One sentence for each promise that the run broke; empty when all hold."""
    return [
        *_lost(history),
        *_inboxes(history),
        *_webhook(history),
        *_primero(history),
        *_openings(history),
        *_recalls(history),
    ]


def _lost(history: History) -> Iterable[str]:
    reached: dict[UUID, set[str]] = {}
    for told in history.told:
        reached.setdefault(told.event_id, set()).add(told.recipient)
    for event in history.acknowledged:
        if event.event_id not in history.decided:
            yield f"acknowledged event {event.event_id} was never decided"
        missing = event.reaches - reached.get(event.event_id, set())
        if missing:
            yield f"acknowledged event {event.event_id} did not reach {sorted(missing)}"


def _inboxes(history: History) -> Iterable[str]:
    for recipient, entries in history.inboxes.items():
        cursors = [cursor for cursor, _ in entries]
        if cursors != list(range(1, len(cursors) + 1)):
            yield f"the inbox of {recipient} has a gap or a repeat in its cursors"
        held = [dispatch for _, dispatch in entries]
        twice = _repeated(held)
        if twice:
            yield f"the inbox of {recipient} holds {len(twice)} dispatches twice"
        wanted = [(told.case_id, told.dispatch_id) for told in history.told if told.recipient == recipient]
        yield from _order(f"the inbox of {recipient}", wanted, held)
    in_inbox = {dispatch for entries in history.inboxes.values() for _, dispatch in entries}
    for told in history.told:
        if told.dispatch_id not in in_inbox:
            yield f"dispatch {told.dispatch_id} is in no inbox"


def _webhook(history: History) -> Iterable[str]:
    for webhook_id, alias in history.notices:
        if webhook_id != alias:
            yield f"a notice of {alias} carries another webhook id"
    wanted = [told for told in history.told if told.recipient == history.webhook_recipient]
    noticed = list(dict.fromkeys(alias for _, alias in history.notices))
    for told in wanted:
        if told.alias not in noticed and not told.recalled:
            yield f"dispatch {told.dispatch_id} got no notice"
    yield from _order("the webhook", [(told.case_id, told.alias) for told in wanted], noticed)


def _primero(history: History) -> Iterable[str]:
    cases = Counter(effect.case for effect in history.primero if effect.what == "case_created")
    for case, times in cases.items():
        if times > 1:
            yield f"Primero has the case {case} {times} times"
    made = [e.dispatch for e in history.primero if e.what == "referral_created" and e.dispatch is not None]
    for alias in _repeated(made):
        yield f"Primero has more than one referral of dispatch {alias}"
    wanted = [
        told
        for told in history.told
        if told.recipient == history.primero_recipient and told.event_id not in history.envelopes
    ]
    for told in wanted:
        if told.alias not in made and not told.recalled:
            yield f"dispatch {told.dispatch_id} never reached Primero"
    yield from _order("Primero", [(told.case_id, told.alias) for told in wanted], made)
    opened = {opening.dispatch_id for opening in history.openings}
    for told in wanted:
        if told.alias in made and told.dispatch_id not in opened:
            yield f"dispatch {told.dispatch_id} reached Primero without a recorded opening"


def _order(channel: str, wanted: Sequence[tuple[UUID, UUID]], happened: Sequence[UUID]) -> Iterable[str]:
    """First effects of one case come in the order of ``wanted``, pairs of a case and what happens in it."""
    place: dict[UUID, int] = {}
    for index, effect in enumerate(happened):
        place.setdefault(effect, index)
    lanes: dict[UUID, list[int]] = {}
    for case, effect in wanted:
        if effect in place:
            lanes.setdefault(case, []).append(place[effect])
    for case, places in lanes.items():
        if places != sorted(places):
            yield f"{channel}: the lane of case {case} was not kept in order"


def _openings(history: History) -> Iterable[str]:
    by_id = {told.dispatch_id: told for told in history.told}
    for opening in history.openings:
        told = by_id.get(opening.dispatch_id)
        if told is None:
            yield f"something was opened under the unknown dispatch {opening.dispatch_id}"
        elif any(opening.at > closing.acknowledged_at for closing in _closings_of(history, told)):
            yield f"dispatch {opening.dispatch_id} was opened after its gate had closed"
    recorded = {by_id[o.dispatch_id].alias for o in history.openings if o.dispatch_id in by_id}
    for alias in history.seen:
        if alias not in recorded:
            yield f"{alias} was seen by its recipient without a recorded opening"


def _recalls(history: History) -> Iterable[str]:
    last: dict[UUID, str] = {}
    for effect in history.primero:
        if effect.dispatch is not None and effect.what.startswith("referral_"):
            last[effect.dispatch] = effect.what
    for told in history.told:
        withdrawn = bool(_closings_of(history, told)) and told.event_id not in history.envelopes
        if withdrawn and not told.recalled:
            yield f"dispatch {told.dispatch_id} was withdrawn and not taken back"
        if told.recalled and not withdrawn:
            yield f"dispatch {told.dispatch_id} was taken back, and nobody had withdrawn it"
        stands = last.get(told.alias) == "referral_created"
        if told.recipient == history.primero_recipient and told.recalled and stands:
            yield f"dispatch {told.dispatch_id} was taken back and still stands in Primero"
    for dispatch in sorted(history.waiting_recalls):
        yield f"the taking back of dispatch {dispatch} waits behind what is parked"


def _closings_of(history: History, told: Told) -> list[Closing]:
    return [
        closing
        for closing in history.closings
        if closing.subject_id == told.subject_id and told.recipient in closing.recipients
    ]


def _repeated(values: Iterable[UUID]) -> list[UUID]:
    return sorted(value for value, times in Counter(values).items() if times > 1)

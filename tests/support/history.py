"""What happened in a run, and which promises it broke. Pure: every fault suite fills one and asks.

Promises, by channel class (ADR 0060 and the design's "Opening"):

- an acknowledged event is decided, and whom it routes to is told;
- inbox (transactional): each dispatch once, cursors dense from 1;
- webhook (keyed): every notice of a dispatch carries the dispatch's alias as its id, and each dispatch gets one;
- Primero (check-then-act): one case for a person, one referral for a dispatch, however often it was tried;
- within a lane, effects come in the order of the dispatches;
- nothing is opened after the acknowledged closing of its gate;
- what a withdrawal takes back is taken back at the recipient, and stays so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
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
    """A dispatch as delivery keeps it, in the order in which it entered its lane."""

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
    """A withdrawal: whose gate, and when its sender was told that it is durable."""

    subject_id: UUID
    acknowledged_at: datetime


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
    closings: list[Closing] = field(default_factory=list)
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
        twice = _repeated(dispatch for _, dispatch in entries)
        if twice:
            yield f"the inbox of {recipient} holds {len(twice)} dispatches twice"
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
    yield from _order("webhook", wanted, noticed)


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
    yield from _order("Primero", wanted, made)


def _order(channel: str, wanted: Sequence[Told], happened: Sequence[UUID]) -> Iterable[str]:
    """First effects of one case come in the order in which its dispatches entered the lane."""
    place = {alias: index for index, alias in enumerate(happened)}
    lanes: dict[UUID, list[int]] = {}
    for told in wanted:
        if told.alias in place:
            lanes.setdefault(told.case_id, []).append(place[told.alias])
    for case, places in lanes.items():
        if places != sorted(places):
            yield f"{channel}: the lane of case {case} was not kept in order"


def _openings(history: History) -> Iterable[str]:
    subject_of = {told.dispatch_id: told for told in history.told}
    closed_at: Mapping[UUID, datetime] = {c.subject_id: c.acknowledged_at for c in history.closings}
    for opening in history.openings:
        told = subject_of.get(opening.dispatch_id)
        if told is None:
            yield f"something was opened under the unknown dispatch {opening.dispatch_id}"
        elif told.recalled and opening.at > closed_at.get(told.subject_id, opening.at):
            yield f"dispatch {opening.dispatch_id} was opened after its gate had closed"


def _recalls(history: History) -> Iterable[str]:
    last: dict[UUID, str] = {}
    for effect in history.primero:
        if effect.dispatch is not None and effect.what.startswith("referral_"):
            last[effect.dispatch] = effect.what
    for told in history.told:
        stands = last.get(told.alias)
        if told.recipient == history.primero_recipient and told.recalled and stands == "referral_created":
            yield f"dispatch {told.dispatch_id} was taken back and still stands in Primero"


def _repeated(values: Iterable[UUID]) -> list[UUID]:
    return sorted(value for value, times in Counter(values).items() if times > 1)

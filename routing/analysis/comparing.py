"""The same history decided under two laws: who would newly be told, who no longer, what more or less each may open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from contracts.decision import DeadlineSet, Decision, Denied, Dispatch, Held, RuleRef
from routing.law import Law
from routing.state import Recorded
from routing.step import run

Kind = Literal[
    "told", "no-longer-told", "opens-more", "opens-less", "other-basis", "outcome", "waits", "denied", "clock",
    "review",
]  # fmt: skip
KIND_WORDS: Final[Mapping[Kind, str]] = {
    "told": "would newly be told", "no-longer-told": "would no longer be told", "opens-more": "may open more",
    "opens-less": "may open less", "other-basis": "is told on another basis or for another purpose",
    "outcome": "the event is taken otherwise", "waits": "waits otherwise", "denied": "is denied otherwise",
    "clock": "has another deadline", "review": "another person is asked",
}  # fmt: skip
WIDENING: Final = frozenset({"told", "opens-more"})
"""Changes by which somebody learns more: these want a second reader."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two decisions on one record. No fact of the person: ids, roles, groups, rules."""

    kind: Kind
    case: UUID
    subject: UUID
    event_id: UUID
    who: str
    what: str
    rules: tuple[str, ...]


def changes(old: Decision, new: Decision) -> list[Change]:
    """Everything by which two decisions on one record differ, reasons alone left out."""
    found: list[Change] = []

    def say(kind: Kind, who: str, what: str, rules: Iterable[RuleRef]) -> None:
        ids = tuple(sorted({ref.id for ref in rules}))
        found.append(Change(kind, new.case_id, new.subject, new.event_id, who, what, ids))

    barred: tuple[tuple[Kind, Sequence[Held | Denied], Sequence[Held | Denied]], ...] = (
        ("waits", old.held, new.held), ("denied", old.denied, new.denied),
    )  # fmt: skip
    if old.outcome != new.outcome:
        say("outcome", "the event", f"{old.outcome} → {new.outcome}", (*_reasons(old), *_reasons(new)))
    before, after = _told(old), _told(new)
    for key in sorted({*before, *after}):
        was, is_ = before.get(key), after.get(key)
        if was is None and is_ is not None:
            say("told", is_.address, _opens(is_), is_.rules)
        elif is_ is None and was is not None:
            say("no-longer-told", was.address, _opens(was), was.rules)
        elif was is not None and is_ is not None:
            _compared(was, is_, say)
    for kind, mine, theirs in ((kind, _waiting(was), _waiting(will)) for kind, was, will in barred):
        for who, what in sorted({*mine, *theirs}):
            if ((who, what) in mine) != ((who, what) in theirs):
                newly = "newly" if (who, what) in theirs else "no longer"
                say(kind, who, f"{newly}: {what}", (theirs if newly == "newly" else mine)[who, what])
    for who, what in sorted(_clocks(new) ^ _clocks(old)):
        say("clock", who, what, (ref for d in (*old.deadlines, *new.deadlines) for ref in d.rules if _who(d) == who))
    for who, what in sorted(_reviews(new) ^ _reviews(old)):
        say("review", who, what, (ref for r in (*old.reviews, *new.reviews) for ref in r.rules))
    return found


Say = Callable[[Kind, str, str, Iterable[RuleRef]], None]


def _compared(was: Dispatch, is_: Dispatch, say: Say) -> None:
    mine, theirs = {*was.groups, *was.items}, {*is_.groups, *is_.items}
    if theirs - mine:
        say("opens-more", is_.address, ", ".join(sorted(theirs - mine)), is_.rules)
    if mine - theirs:
        say("opens-less", is_.address, ", ".join(sorted(mine - theirs)), (*was.rules, *is_.rules))
    if (was.purpose, was.basis) != (is_.purpose, is_.basis):
        say("other-basis", is_.address, f"{was.purpose}, {was.basis} → {is_.purpose}, {is_.basis}", is_.rules)


def _told(decision: Decision) -> dict[tuple[str, str, str], Dispatch]:
    return {(d.recipient, d.event, d.via or ""): d for d in decision.dispatches}


def _opens(dispatch: Dispatch) -> str:
    return ", ".join(("F0", *sorted(dispatch.groups), *sorted(dispatch.items)))


def _waiting(found: Iterable[Held | Denied]) -> dict[tuple[str, str], tuple[RuleRef, ...]]:
    return {(one.address or "the event", f"{one.event} {' and '.join(one.asks)}".strip()): one.rules for one in found}


def _who(deadline: DeadlineSet) -> str:
    return deadline.owner_address or deadline.owner or "owner"


def _clocks(decision: Decision) -> set[tuple[str, str]]:
    return {
        (_who(d), f"{' or '.join(d.awaits_events) or d.awaits_answer} within {d.within}") for d in decision.deadlines
    }


def _reviews(decision: Decision) -> set[tuple[str, str]]:
    return {(r.desk_address or r.desk, ", ".join(r.asks) or "reaches nobody") for r in decision.reviews}


def _reasons(decision: Decision) -> tuple[RuleRef, ...]:
    found = [one.rules for one in decision.held] + [one.rules for one in decision.denied]
    return tuple(ref for rules in found for ref in rules)


@dataclass(slots=True)
class Folding:
    """A history folded under one law: each subject from her first record on, a mother's state beside her baby's."""

    law: Law
    states: dict[UUID, bytes] = field(default_factory=dict)

    def decide(self, record: Recorded, before: bytes | None, kin: Mapping[UUID, bytes]) -> Decision:
        """Decide one record.

        Args:
            before: the state it was decided from, used where the history of its subject begins in the middle.
            kin: as ``before``, of linked subjects.
        """
        known = self.states.get(record.subject, before)
        done = run(known, record, self.law, {key: self.states.get(key, state) for key, state in kin.items()})
        self.states[record.subject] = done.state
        return done.decision


@dataclass(slots=True)
class Comparison:
    """Two laws over one history, record by record, in the order of the log.

    What a deadline of the new law would have brought is not there: nobody was due under it. Answers, withdrawals and
    everything else that people did is taken as it was.
    """

    old: Law
    new: Law
    records: int = 0
    found: list[Change] = field(default_factory=list)
    _old: Folding = field(init=False)
    _new: Folding = field(init=False)

    def __post_init__(self) -> None:
        self._old, self._new = Folding(self.old), Folding(self.new)

    def take(self, record: Recorded, before: bytes | None, kin: Mapping[UUID, bytes]) -> list[Change]:
        """Decide one record under both laws; returns, and keeps, what differs."""
        self.records += 1
        differ = changes(self._old.decide(record, before, kin), self._new.decide(record, before, kin))
        self.found += differ
        return differ

    def begin_anew(self) -> None:
        """Another history begins: nobody of the last one is in it."""
        self._old.states.clear()
        self._new.states.clear()

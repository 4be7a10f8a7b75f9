"""A rule as data: what it says, on which facts, with which effects, from which source.

Effects are a closed list. Each reads only the fields it needs; the loader refuses any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from contracts.decision import RuleRef
from routing.conditions import ALWAYS, Clause, View

EFFECT_FIELDS: Final[dict[str, frozenset[str]]] = {
    "route": frozenset({"to", "purpose", "basis", "priority", "order", "answer_within", "answer_until", "over"}),
    "deny": frozenset({"to", "purposes", "event", "unless"}),
    "hold": frozenset({
        "to", "purposes", "bases", "except", "event", "unless", "asks", "review", "second", "fresh_consent",
    }),
    "withhold": frozenset({"groups", "to", "except"}),
    "grant": frozenset({"groups", "to"}),
    "basis": frozenset({"to", "basis", "purpose", "priority", "within_border", "named"}),
    "deadline": frozenset({
        "owner", "awaits", "within", "until", "warn", "every", "missed", "tell", "review_after", "review",
        "asks", "with_route",
    }),
    "note": frozenset({"code", "to", "groups", "person"}),
    "escalate": frozenset({"tell", "unless"}),
    "recall": frozenset({"to"}),
    "review": frozenset({"desk", "asks", "options", "within", "second"}),
    "unlink": frozenset({"except"}),
    "erase": frozenset({"groups"}),
    "confine": frozenset({"purposes"}),
    "cite": frozenset({"why"}),
}
"""Each effect and the fields it takes. ``confine`` and ``cite`` say why; the engine carries them out."""

MARKS: Final = ("S", "R", "P", "A")


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement of a deny, hold or escalation: what it asks for, and when that is there."""

    asks: str
    when: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of a rule. Addresses are templates (``RFP@{origin}``); durations as written (``15d``)."""

    kind: str
    when: tuple[Clause, ...] = ALWAYS
    on: frozenset[str] | None = None
    to: tuple[str, ...] = ()
    except_to: tuple[str, ...] = ()
    purpose: str | None = None
    purposes: frozenset[str] = frozenset()
    basis: str | None = None
    bases: frozenset[str] = frozenset()
    priority: str | None = None
    order: int = 0
    over: bool = False
    event: bool = False
    fresh_consent: bool = False  # only a consent given after the risk was looked at counts
    needs: tuple[Need, ...] = ()
    groups: frozenset[str] = frozenset()
    owner: str | None = None
    awaits: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    until: str | None = None
    answer_within: str | None = None
    answer_until: str | None = None
    warn: tuple[tuple[str, str], ...] = ()
    every: str | None = None
    missed: str = "miss"
    tell: tuple[str, ...] = ()
    review: str | None = None
    review_after: int = 0
    second: bool = False
    asks: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    with_route: bool = False
    within_border: bool = False
    named: bool = False
    code: str = ""
    person: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """Facts on which a rule must speak (``speaks``) or must be silent, as its owner wrote them."""

    facts: View
    speaks: bool
    where: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a rule for use, and on which day.

    ``of``: the hash of the wording that was signed (:mod:`routing.signing`). Without it a name is a remark.
    """

    by: str
    on: date
    of: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A dated version of a rule."""

    id: str
    title: str
    cite: str
    mark: str
    valid_from: date
    valid_to: date | None
    recorded_at: date
    review_on: date | None
    when: tuple[Clause, ...]
    effects: tuple[Effect, ...]
    where: str = ""
    ref: RuleRef = field(default=RuleRef("", ""))
    examples: tuple[Example, ...] = ()
    signed: Signature | None = None
    remark: str = ""
    language: str = ""  # in which the source was read
    confirmed: bool = True  # False: read, checked and shown, and decides nothing until somebody confirms it

    def in_force(self, day: date) -> bool:
        """Whether the law held and was known to us on that day."""
        return (
            self.confirmed
            and self.valid_from <= day
            and self.recorded_at <= day
            and (self.valid_to is None or day < self.valid_to)
        )

"""A scenario as read: people, steps, expectations, variants. Values alone, nothing is played here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from contracts.consent import Consent
from contracts.facts import Facts


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person. ``role`` is subject, companion, family or reporter."""

    name: str
    role: str
    line: int
    born: date | None = None
    age: int | str | None = None
    born_in_step: str | None = None
    sex: str | None = None
    languages: tuple[str, ...] = ()
    citizenship: tuple[str, ...] | str | None = None
    claims_citizenship: tuple[str, ...] | None = None
    residence_at_entry: str | None = None
    papers: str | None = None
    ethnicity: str | None = None
    child_of: str | None = None
    claims: str | None = None
    of: tuple[str, ...] = ()
    suspected: bool = False


@dataclass(frozen=True, slots=True)
class Emit:
    """An event is submitted. ``seal``: person → group → values (None: fill with recognisable ones)."""

    event: str
    about: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    purpose: str | None = None
    facts: Facts = field(default_factory=Facts)
    seal: dict[str, dict[str, dict[str, Any] | None]] = field(default_factory=dict)
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Reported:
    """An answer that came by telephone, entered by the agency at ``by``."""

    by: str | None
    how: str
    person: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A recipient answers what step ``to`` told it; ``kind`` is acknowledge, accept, decline and so on."""

    kind: str
    to: str
    code: str | None = None
    reason: str | None = None
    reported: Reported | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A person answers what step ``of`` left open. ``action``: release or refuse."""

    action: str
    of: str
    reason: str | None = None
    second: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """A recipient tries to read ``groups`` of what step ``of`` told it."""

    groups: tuple[str, ...]
    of: str


@dataclass(frozen=True, slots=True)
class Fault:
    """The line to agencies breaks (``down``) or is mended."""

    down: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reserved:
    """Parsed, and not yet playable: submit, change, operate."""

    kind: str


Action = Emit | Answer | Review | Open | Fault | Reserved


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must follow. ``keys`` hold words, tuples and mappings; ``written`` is what the file says."""

    kind: str
    keys: dict[str, Any]
    written: dict[str, Any]
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens at ``at``; no action means that time passes."""

    id: str
    at: datetime
    line: int
    by: str | None = None
    outcome: str = "accepted"
    action: Action | None = None
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """The same story told otherwise: its own people, steps and expectations, already worked out."""

    name: str
    people: dict[str, Person]
    steps: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One file. ``clock`` is the start, in the zone that the file writes."""

    file: str
    slug: str
    title: str
    source: str
    clock: datetime
    people: dict[str, Person]
    steps: tuple[Step, ...]
    finally_: tuple[Expectation, ...] = ()
    variants: dict[str, Variant] = field(default_factory=dict)
    assumes: tuple[str, ...] = ()

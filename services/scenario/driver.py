"""What a scenario is played on: a driver moves the clock, acts, and shows what was decided and seen.

Two implement it: the real services on a throw-away instance (``services/scenario/instance_driver.py``) and,
for tests of routing alone, ``services/scenario/engine_driver.py``. People are named by their label in the file,
agencies by slug.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from contracts.address import Address
from contracts.consent import Consent
from contracts.decision import Decision
from contracts.facts import Facts


@dataclass(frozen=True, slots=True)
class Entry:
    """One person of an emission. ``groups``: group → JSON values; ``child_of`` is the mother's label."""

    person: str
    case: str
    facts: Facts
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    child_of: str | None = None


@dataclass(frozen=True, slots=True)
class Emission:
    """An event to submit. No entries: an event about nobody."""

    step: str
    event: str
    emitter: str
    acting_as: str
    entries: tuple[Entry, ...]
    to: tuple[str, ...] = ()
    purpose: str | None = None
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer by the agency that step ``to`` told. ``entered_by``: who typed it in, if another."""

    step: str
    to: str
    kind: str
    answerer: str
    acting_as: str
    code: str | None = None
    reason: str | None = None
    reported_how: str | None = None
    reported_person: str | None = None
    entered_by: str | None = None
    entered_as: str | None = None


@dataclass(frozen=True, slots=True)
class Reviewing:
    """A person's answer at the desk about what step ``of`` left open."""

    step: str
    of: str
    action: str
    reviewer: str
    acting_as: str
    reason: str | None = None
    second: str | None = None
    limit: str | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of an action: accepted, held, denied, refused or unplayable.

    ``event_ids``: the events it became (several subjects of several cases may need several).
    ``why`` says in words why it could not be played.
    """

    outcome: str
    event_ids: tuple[UUID, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision in the order of the log; ``person`` is None for an event about nobody."""

    person: str | None
    decision: Decision


@dataclass(frozen=True, slots=True)
class View:
    """One dispatch as its recipient sees it. ``size`` in bytes of what travels for it, padding included."""

    dispatch_id: UUID
    event: str
    purpose: str
    basis: str
    priority: str
    groups: tuple[str, ...]
    items: tuple[str, ...]
    notes: tuple[str, ...]
    dated: datetime
    received_at: datetime
    size: int
    recalled: bool = False

    def without_ids(self) -> dict[str, object]:
        """All that two recipients of equal stories must find equal, by name."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "dispatch_id"}


class Resolver(Protocol):
    """The part of the directory that a scenario needs."""

    def slugs(self, address: Address, at: datetime) -> frozenset[str]:
        """The agencies an address names; empty where it names none. ``any``, ``state``: whole sides."""
        ...

    def everybody(self) -> frozenset[str]:
        """All agencies."""
        ...

    def after(self, start: datetime, duration: str, agency: str | None) -> datetime:
        """``start`` plus ``24h``, ``15d``, ``3wd`` … in that agency's zone and calendar (None: UTC)."""
        ...


class Driver(Protocol):
    """Plays one run. Each action returns when everything it causes at that instant has happened."""

    @property
    def agencies(self) -> Resolver:
        """Who is meant by an address."""
        ...

    @property
    def decisions(self) -> Sequence[Decided]:
        """Everything decided so far, append-only, in the order of the log."""
        ...

    async def start(self, at: datetime) -> None:
        """Begin a fresh run at that instant."""
        ...

    async def advance(self, to: datetime) -> None:
        """Move the clock; whatever falls due on the way, ``to`` included, fires at its own instant."""
        ...

    async def emit(self, emission: Emission) -> StepResult:
        """Submit an event."""
        ...

    async def answer(self, answering: Answering) -> StepResult:
        """Answer every dispatch by which step ``to`` told the answerer."""
        ...

    async def review(self, reviewing: Reviewing) -> StepResult:
        """Answer what waits at the desk."""
        ...

    async def open(self, step: str, of: str, reader: str, groups: tuple[str, ...]) -> StepResult:
        """Try to read; *denied* unless every group is granted and opens."""
        ...

    async def fault(self, down: bool, agency: str) -> StepResult:
        """Break or mend the line to an agency."""
        ...

    def owner(self, person: str) -> str | None:
        """The agency that owns the person's case now."""
        ...

    async def views(self, agency: str) -> tuple[View, ...]:
        """What an agency can see now, oldest first."""
        ...

    async def facts(self, person: str) -> Mapping[str, Any] | None:
        """The facts folded so far; None where this driver cannot tell."""
        ...

    async def readable_groups(self, person: str) -> frozenset[str] | None:
        """Groups of the person of which anything can still be opened by anybody; None: cannot tell."""
        ...

    async def audit(self, planted: frozenset[str]) -> Sequence[str]:
        """Broken promises, one sentence each; empty: all hold.

        Planted values outside entitled openings, a dispatch without a receipt that re-evaluates, an order
        within a case that did not hold.
        """
        ...

    async def close(self) -> None:
        """Throw the run away."""
        ...

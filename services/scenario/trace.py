"""What happened in one run, kept so that expectations can be compared with it afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.scenario.driver import Decided, Resolver, StepResult, View
from services.scenario.model import Answer, Emit, Expectation, Step


@dataclass(slots=True)
class Played:
    """One step as played.

    Decisions ``start`` to ``cause`` fell due on the way to it, those from ``cause`` to ``end`` it caused.
    """

    step: Step
    start: int
    cause: int
    end: int
    result: StepResult
    actor: str | None = None  # slug
    to: frozenset[str] = frozenset()  # slugs the event is addressed to
    owners: Mapping[str, str] = field(default_factory=dict)  # person → slug
    facts: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    readable: Mapping[str, frozenset[str] | None] = field(default_factory=dict)


@dataclass(slots=True)
class Run:
    """A whole run: the story itself (``variant`` empty) or a variant of it."""

    variant: str
    people: tuple[str, ...]
    agencies: Resolver
    steps: list[Played] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    views: dict[str, tuple[View, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def played(self, step_id: str) -> Played | None:
        """The step with that id, if it was played in this run."""
        return next((p for p in self.steps if p.step.id == step_id), None)

    def emitted(self, event_id: UUID) -> Played | None:
        """The step that an event came from."""
        return next((p for p in self.steps if event_id in p.result.event_ids), None)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expectation looks: one step, or the whole run (``step`` None).

    ``beside``: the expectations of the same list, which ``anyone_else`` is measured against.
    """

    run: Run
    step: Played | None
    beside: tuple[Expectation, ...] = ()

    @property
    def start(self) -> int:
        """Index of the first decision in scope."""
        return self.step.start if self.step else 0

    @property
    def end(self) -> int:
        """Index behind the last decision in scope."""
        return self.step.end if self.step else len(self.run.decisions)

    @property
    def last(self) -> Played | None:
        """The newest step in scope: how things stand is read there."""
        return self.step or (self.run.steps[-1] if self.run.steps else None)

    def decided(self, until: int | None = None) -> Iterator[tuple[int, Decided]]:
        """Decisions in scope with their index, before index ``until`` where given."""
        end = self.end if until is None else min(self.end, until)
        for index in range(self.start, end):
            yield index, self.run.decisions[index]

    def so_far(self) -> list[Decided]:
        """Everything decided from the beginning to the end of this scope."""
        return self.run.decisions[: self.end]

    def rules(self) -> set[str]:
        """Rules cited in receipts of this scope."""
        return {rule.id for _, one in self.decided() for rule in one.decision.rules_fired}


def answered(played: Played) -> Answer | None:
    """The answer that a step gave, if it gave one."""
    return played.step.action if isinstance(played.step.action, Answer) else None


def emission(played: Played) -> Emit | None:
    """The event that a step emitted, if it emitted one."""
    return played.step.action if isinstance(played.step.action, Emit) else None

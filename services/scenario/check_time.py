"""due and fired: clocks that were set, and clocks that ran out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.decision import DeadlineSet
from services.scenario.driver import Decided
from services.scenario.model import Expectation
from services.scenario.trace import Scope
from services.scenario.verdict import Verdict, fails, holds, lacking_rules, listed
from services.scenario.who import Who

_DECISIONS = ("accept", "decline", "decide", "redirect")


@dataclass(frozen=True, slots=True)
class _Clock:
    """A clock that a decision set, be it a rule's deadline or the answer time of a dispatch."""

    events: tuple[str, ...]
    answer: str | None
    owner: str | None
    due_at: datetime
    set_at: datetime
    rules: frozenset[str]
    deadline: DeadlineSet | None = None
    index: int = 0


def due(one: Expectation, scope: Scope) -> Verdict:
    """A clock runs for each length in ``within``, owned, warned and repeated as written."""
    clocks = [c for c in _clocks(scope) if _awaits(one, c)]
    seen = [_shown(c) for c in clocks]
    if not clocks:
        return fails(f"no clock waits for {listed(_awaited(one))}", seen)
    for within in one.keys.get("within", ("",)):
        reasons = [_against(one, within, clock, scope) for clock in clocks]
        if all(reasons):
            return fails(min((r for r in reasons if r), key=len), seen)
    return holds(seen)


def fired(one: Expectation, scope: Scope) -> Verdict:
    """A timer found what ``event`` says, of ``of``, concerning each ``who``."""
    events = one.keys["event"]
    found = [
        (index, decided, f)
        for index, decided in scope.decided()
        for f in decided.decision.fired
        if f.event in events
    ]
    seen = [
        {
            "event": f.event,
            "of": _step_of(f.of, scope),
            "who": list(f.who),
            "rules": sorted(r.id for r in f.rules),
        }
        for _, _, f in found
    ]
    of = one.keys.get("of")
    if of is not None:
        found = [(i, d, f) for i, d, f in found if any(_is_of(name, d, f.of, scope) for name in of)]
    if not found:
        return fails(f"{listed(events)} did not fire" + (f" for {listed(of)}" if of else ""), seen)
    for text in one.keys.get("who", ()):
        who = Who(text, scope)
        concerned = [
            (i, d, f)
            for i, d, f in found
            if (who.related(i, d) if who.is_relation else who.slugs)
            & ({*f.who} | {x.recipient for x in d.decision.dispatches if x.event == f.event})
        ]
        if not concerned:
            return fails(f"{listed(events)} fired, but does not concern {text}", seen)
    missing = lacking_rules(one, {rule.id for _, _, f in found for rule in f.rules})
    return fails(f"{listed(events)} fired, but {missing}", seen) if missing else holds(seen)


def _clocks(scope: Scope) -> Iterator[_Clock]:
    for index, decided in scope.decided():
        decision = decided.decision
        for d in decision.deadlines:
            yield _Clock(
                d.awaits_events,
                d.awaits_answer,
                d.owner,
                d.due_at,
                decision.decided_at,
                frozenset(r.id for r in d.rules),
                d,
                index,
            )
        for x in decision.dispatches:
            rules = frozenset(r.id for r in x.rules)
            for answer, due_at in (("acknowledge", x.acknowledge_by), ("accept", x.decide_by)):
                if due_at is not None:
                    yield _Clock((), answer, x.recipient, due_at, decision.decided_at, rules, None, index)


def _awaited(one: Expectation) -> tuple[str, ...]:
    return tuple(one.keys.get("event", ())) or (str(one.keys.get("answer", "")),)


def _awaits(one: Expectation, clock: _Clock) -> bool:
    if "event" in one.keys:
        return set(one.keys["event"]) <= set(clock.events)
    wanted = one.keys["answer"]
    return clock.answer == wanted or (wanted in _DECISIONS and clock.answer in _DECISIONS)


def _against(one: Expectation, within: str, clock: _Clock, scope: Scope) -> str:
    """What in a clock contradicts the expectation; empty: nothing."""
    keys = one.keys
    after = scope.run.agencies.after
    if "owner" in keys:
        who = Who(keys["owner"], scope)
        owners = who.related(clock.index, scope.run.decisions[clock.index]) if who.is_relation else who.slugs
        if clock.owner != keys["owner"] and clock.owner not in owners:
            return f"the clock is {clock.owner}'s"
    if within and clock.due_at != after(clock.set_at, within, clock.owner):
        return f"due {clock.due_at - clock.set_at} after it was set, not within {within}"
    if "every" in keys and (clock.deadline is None or clock.deadline.every != keys["every"][0]):
        return f"it does not repeat every {keys['every'][0]}"
    for warning in keys.get("warn", ()):
        at = after(clock.set_at, warning["at"], clock.owner)
        warns = [w for w in clock.deadline.warn if w.at == at] if clock.deadline else []
        if not warns:
            return f"no warning at {warning['at']}"
        if "who" in warning:
            who = Who(warning["who"], scope)
            if not any(w.who == warning["who"] or w.who in who.agencies() for w in warns):
                return f"the warning at {warning['at']} goes to {listed(w.who for w in warns)}"
    return lacking_rules(one, clock.rules)


def _shown(clock: _Clock) -> dict[str, Any]:
    deadline = clock.deadline
    return {
        "event": list(clock.events),
        "answer": clock.answer,
        "owner": clock.owner,
        "due_at": clock.due_at.isoformat(),
        "within": deadline.within if deadline else None,
        "every": deadline.every if deadline else None,
        "warn": [{"at": w.at.isoformat(), "who": w.who} for w in deadline.warn] if deadline else [],
        "rules": sorted(clock.rules),
    }


def _step_of(event_id: Any, scope: Scope) -> str | None:
    played = scope.run.emitted(event_id) if event_id else None
    return played.step.id if played else None


def _is_of(name: str, decided: Decided, event_id: Any, scope: Scope) -> bool:
    return name == decided.person or _step_of(event_id, scope) == name

"""told, not_told and note: who heard, what, and with which note."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from contracts.decision import Dispatch
from services.scenario.driver import Decided
from services.scenario.model import Expectation
from services.scenario.trace import Scope
from services.scenario.verdict import Verdict, fails, holds, lacking_rules, listed
from services.scenario.who import Who

Hit = tuple[int, Decided, Dispatch]


def told(one: Expectation, scope: Scope) -> Verdict:
    """Each ``who`` received at least one dispatch that meets every key."""
    seen: list[dict[str, Any]] = []
    for text in one.keys["who"]:
        who = Who(text, scope)
        received = list(_received(who, scope))
        seen += [shown(text, hit) for hit in received]
        if not received:
            return fails(f"{text} was not told", seen)
        reasons = [_against(one, hit, scope) for hit in received]
        if all(reasons):
            return fails(f"{text}: " + min((r for r in reasons if r), key=len), seen)
    return holds(seen)


def not_told(one: Expectation, scope: Scope) -> Verdict:
    """No dispatch, or none with ``groups``, to whom is named; an address that nobody holds is true."""
    until = None
    if "until" in one.keys:
        limit = scope.run.played(one.keys["until"])
        if limit is None:
            return fails(f"the step '{one.keys['until']}' was not played")
        until = limit.cause
    groups = set(one.keys.get("groups", ()))
    seen = []
    for text in one.keys["who"]:
        for hit in _received(Who(text, scope), scope, until, whole="until" in one.keys):
            if _named(one, hit) and (not groups or groups & {"F0", *hit[2].groups}):
                seen += [shown(text, hit)]
    if seen:
        first = seen[0]
        return fails(f"{first['who']} was told {first['event']} with {listed(first['groups'])}", seen)
    missing = lacking_rules(one, scope.rules() | _refusal_rules(scope))
    return fails(f"nobody was told, but {missing}") if missing else holds()


def note(one: Expectation, scope: Scope) -> Verdict:
    """Each ``who`` received a dispatch that carries the note."""
    seen: list[dict[str, Any]] = []
    for text in one.keys["who"]:
        hits = list(_received(Who(text, scope), scope))
        found = [n for hit in hits for n in hit[2].notes]
        seen += [{"who": text, "code": n.code, "person": n.person, "groups": list(n.groups)} for n in found]
        fitting = [
            n
            for n in found
            if n.code == one.keys["code"]
            and set(one.keys.get("person", (n.person,))) == {n.person}
            and set(one.keys.get("groups", ())) <= set(n.groups)
        ]
        if not fitting:
            return fails(f"{text} got no such note" if hits else f"{text} was not told", seen)
        missing = lacking_rules(one, {rule.id for n in fitting for rule in n.rules})
        if missing:
            return fails(f"{text} got the note, but {missing}", seen)
    return holds(seen)


def shown(text: str, hit: Hit) -> dict[str, Any]:
    """A dispatch as a result shows it: nothing of a person but her label in the file."""
    _, one, dispatch = hit
    return {
        "who": text,
        "agency": dispatch.recipient,
        "event": dispatch.event,
        "person": one.person,
        "purpose": dispatch.purpose,
        "basis": dispatch.basis,
        "priority": dispatch.priority,
        "groups": sorted({"F0", *dispatch.groups}, key=lambda g: int(g[1:])),
        "items": sorted(dispatch.items),
        "via": dispatch.via,
        "rules": sorted(rule.id for rule in dispatch.rules),
    }


def _received(who: Who, scope: Scope, until: int | None = None, *, whole: bool = False) -> Iterator[Hit]:
    """Dispatches in scope to whom is meant; with ``whole``, on to the end of the run."""
    end = len(scope.run.decisions) if whole else scope.end
    for index in range(scope.start, end if until is None else min(end, until)):
        decided = scope.run.decisions[index]
        for dispatch in decided.decision.dispatches:
            if who.received(index, decided, dispatch):
                yield index, decided, dispatch


def _named(one: Expectation, hit: Hit) -> bool:
    """Whether the dispatch is about the named event and person, where they are named."""
    events, people = one.keys.get("event"), one.keys.get("person")
    return (events is None or hit[2].event in events) and (people is None or hit[1].person in people)


def _against(one: Expectation, hit: Hit, scope: Scope) -> str:
    """What in a dispatch contradicts the expectation; empty: nothing."""
    _, decided, dispatch = hit
    if not _named(one, hit):
        return (
            f"told of {dispatch.event}"
            + (f" about {decided.person}" if "person" in one.keys else "")
            + " instead"
        )
    wrong = _other_groups(one, dispatch) or _other_manner(one, hit, scope)
    if wrong:
        return wrong
    notes = {rule.id for note in dispatch.notes for rule in note.rules}
    missing = lacking_rules(one, {rule.id for rule in dispatch.rules} | notes)
    return f"told, but {missing} (for {listed(sorted(r.id for r in dispatch.rules))})" if missing else ""


def _other_groups(one: Expectation, dispatch: Dispatch) -> str:
    keys, groups = one.keys, {"F0", *dispatch.groups}
    if "exactly" in keys and groups - {"F0"} != set(keys["exactly"]) - {"F0"}:
        return f"told {listed(sorted(groups))} instead of exactly {listed(keys['exactly'])}"
    if missing := set(keys.get("with", ())) - groups:
        return f"told without {listed(sorted(missing))}"
    if surplus := set(keys.get("without", ())) & groups:
        return f"told with {listed(sorted(surplus))}"
    if missing := set(keys.get("items", ())) - set(dispatch.items):
        return f"told without the item {listed(sorted(missing))}"
    return ""


def _other_manner(one: Expectation, hit: Hit, scope: Scope) -> str:
    _, decided, dispatch = hit
    for key in ("purpose", "priority", "via"):
        if key in one.keys and getattr(dispatch, key) != one.keys[key]:
            return f"{key} is {getattr(dispatch, key)} instead of {one.keys[key]}"
    if "before" in one.keys and (late := _not_before(one.keys["before"], hit, scope)):
        return late
    return _too_late(one.keys["within"][0], decided, dispatch, scope) if "within" in one.keys else ""


def _not_before(text: str, hit: Hit, scope: Scope) -> str:
    index, _, dispatch = hit
    for other_index, _, other in _received(Who(text, scope), scope):
        if (other_index, other.order) <= (
            index,
            dispatch.order,
        ) and other.dispatch_id != dispatch.dispatch_id:
            return f"told after {text}, or with it"
    return ""


def _too_late(within: str, decided: Decided, dispatch: Dispatch, scope: Scope) -> str:
    """The message itself must have left in time, counted from the step's instant."""
    start = scope.step.step.at if scope.step else scope.run.steps[0].step.at
    limit = scope.run.agencies.after(start, within, dispatch.recipient)
    late = max(decided.decision.decided_at, start) - limit
    return f"told {late} later than {within}" if late > timedelta(0) else ""


def _refusal_rules(scope: Scope) -> set[str]:
    found: set[str] = set()
    for _, one in scope.decided():
        for refusals in (one.decision.denied, one.decision.held):
            found |= {rule.id for refusal in refusals for rule in refusal.rules}
    return found

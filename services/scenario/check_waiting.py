"""held, denied and review: what waits, what is refused, and what a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from contracts.decision import Denied, Held
from contracts.roles import REGION
from services.scenario.driver import Decided
from services.scenario.model import Expectation
from services.scenario.trace import Scope
from services.scenario.verdict import Verdict, fails, holds, lacking_rules, listed
from services.scenario.who import Who

Refusal = Held | Denied


def held(one: Expectation, scope: Scope) -> Verdict:
    """Something waits for each ``who``, or the ``event`` itself does."""
    return _refusals(one, scope, "held")


def denied(one: Expectation, scope: Scope) -> Verdict:
    """Each ``who``, or the ``event``, is refused."""
    return _refusals(one, scope, "denied")


def review(one: Expectation, scope: Scope) -> Verdict:
    """A review was opened that meets every key."""
    opened = [review for _, decided in scope.decided() for review in decided.decision.reviews]
    seen = [
        {
            "desk": r.desk_address or r.desk,
            "event": r.event,
            "asks": list(r.asks),
            "options": list(r.options),
            "rules": sorted(rule.id for rule in r.rules),
            "reason": r.reason,
        }
        for r in opened
    ]
    if not opened:
        return fails("no review was opened", seen)
    reasons = []
    for r in opened:
        why = ""
        if "desk" in one.keys and one.keys["desk"] not in (r.desk, r.desk_address):
            desk = one.keys["desk"]
            if desk == "operator" or r.desk not in Who(desk, scope).agencies():
                why = f"the desk is {r.desk_address or r.desk}"
        for key, there in (("asks", r.asks), ("options", r.options)):
            if missing := set(one.keys.get(key, ())) - set(there):
                why = why or f"it does not have {listed(sorted(missing))} among its {key} ({listed(there)})"
        missing_rules = lacking_rules(one, {rule.id for rule in r.rules})
        reasons.append(why or missing_rules)
    return fails("a review was opened, but " + reasons[-1], seen) if all(reasons) else holds(seen)


def _refusals(one: Expectation, scope: Scope, kind: str) -> Verdict:
    all_of_them = list(_of_kind(scope, kind))
    seen = [_shown(refusal) for _, _, refusal in all_of_them]
    wanted_events = one.keys.get("event")
    for text in one.keys.get("who", ("",)):
        who = Who(text, scope) if text else None
        fitting = [
            refusal
            for index, decided, refusal in all_of_them
            if (who is None or _concerns(who, index, decided, refusal, scope))
            and (wanted_events is None or refusal.event in wanted_events)
        ]
        name = text or listed(wanted_events or ())
        if not fitting:
            return fails(f"{name} is not {kind}", seen)
        asks = {ask for refusal in fitting for ask in refusal.asks}
        if missing := set(one.keys.get("asks", ())) - asks:
            return fails(
                f"{name} is {kind}, without asking for {listed(sorted(missing))} (asks for "
                f"{listed(sorted(asks))})",
                seen,
            )
        missing_rules = lacking_rules(one, {rule.id for refusal in fitting for rule in refusal.rules})
        if missing_rules:
            return fails(f"{name} is {kind}, but {missing_rules}", seen)
    return holds(seen)


def _of_kind(scope: Scope, kind: str) -> Iterator[tuple[int, Decided, Refusal]]:
    for index, decided in scope.decided():
        found: tuple[Refusal, ...] = decided.decision.held if kind == "held" else decided.decision.denied
        for refusal in found:
            yield index, decided, refusal


def _concerns(who: Who, index: int, decided: Decided, refusal: Refusal, scope: Scope) -> bool:
    """Whether a refusal is about whom is meant; a whole side counts only where all of it is refused."""
    if refusal.address is not None and refusal.address == who.text:
        return True
    covered = _covered(refusal, scope)
    if refusal.recipient is None and refusal.address is None:
        # The event itself: it concerns those it was addressed to.
        played = scope.run.emitted(decided.decision.event_id)
        covered = played.to if played else frozenset()
    if who.is_relation:
        return bool(covered & who.related(index, decided))
    if who.is_side and who.address is not None:
        side = Who(f"state@{who.address.country}", scope).slugs
        return bool(side) and side <= covered
    return bool(who.slugs) and who.slugs <= covered


def _covered(refusal: Refusal, scope: Scope) -> frozenset[str]:
    if refusal.recipient:
        return frozenset([refusal.recipient])
    found: frozenset[str] = frozenset()
    for address in _spelt_out(refusal.address or ""):
        found |= Who(address, scope).slugs
    return found


def _spelt_out(pattern: str) -> tuple[str, ...]:
    """The addresses of a pattern: ``CON.LA@*`` means the missions of LA wherever they are posted."""
    if "@" not in pattern:
        return ()
    if not pattern.endswith("@*"):
        return (pattern,)
    return tuple(pattern[:-1] + country for country in REGION)


def _shown(refusal: Refusal) -> dict[str, Any]:
    return {
        "who": refusal.address or refusal.recipient or "the event itself",
        "event": refusal.event,
        "asks": list(refusal.asks),
        "rules": sorted(rule.id for rule in refusal.rules),
    }

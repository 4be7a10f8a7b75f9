"""Compares expectations with what happened. One that cannot be checked is not passed, and says why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from contracts.address import parse_address
from contracts.events import EVENTS
from services.scenario.check_state import state
from services.scenario.check_time import due, fired
from services.scenario.check_told import not_told, note, told
from services.scenario.check_waiting import denied, held, review
from services.scenario.driver import Resolver, View
from services.scenario.errors import ScenarioError, nearest
from services.scenario.model import Expectation
from services.scenario.trace import Run, Scope
from services.scenario.verdict import Verdict, fails, holds, lacking_rules, listed
from services.scenario.who import Who

_MUST_RESOLVE: Final = {"told": ("who", "before"), "note": ("who",), "due": ("owner",)}


def check(one: Expectation, scope: Scope, runs: Mapping[str, Run]) -> Verdict:
    """Whether ``one`` holds in ``scope``. ``runs``: variant name → run, for *same*."""
    if scope.step is not None and scope.step.result.outcome == "unplayable":
        return fails(f"cannot be checked: {scope.step.result.why}")
    unknown = sorted(e for e in _event_names(one) if e not in EVENTS)
    if unknown:
        return fails(
            f"cannot be checked: no event is called {unknown[0]}; the nearest is "
            + nearest(unknown[0], EVENTS)
        )
    if scope.last is None and one.kind not in ("not_told", "same"):
        return fails("nothing happened")
    if one.kind == "same":
        return _same(one, scope, runs)
    return _CHECKS[one.kind](one, scope)


def check_addresses(
    expectations: Iterator[tuple[Expectation, datetime]], agencies: Resolver, file: str
) -> None:
    """Addresses in *told* must name somebody.

    Raises:
        ScenarioError: one does not; it may be a slip, and would be true in *not_told* unseen.
    """
    for one, at in expectations:
        for key in _MUST_RESOLVE.get(one.kind, ()):
            value = one.keys.get(key, ())
            for text in (value,) if isinstance(value, str) else value:
                address = parse_address(text)
                if not address.is_relation and not agencies.slugs(address, at):
                    raise ScenarioError(
                        f"'{key}' of '{one.kind}': nobody holds {text} at that time.",
                        file=file,
                        line=one.line,
                        remedy="Name a role and country of the directory.",
                    )


def _event_names(one: Expectation) -> set[str]:
    return set(one.keys.get("event", ())) if one.kind != "rules" else set()


def _rules(one: Expectation, scope: Scope) -> Verdict:
    cited = scope.rules()
    seen = [{"fired": sorted(cited)}]
    if missing := sorted(set(one.keys.get("fired", ())) - cited):
        return fails(f"{listed(missing)} did not fire", seen)
    if surplus := sorted(set(one.keys.get("not_fired", ())) & cited):
        return fails(f"{listed(surplus)} fired", seen)
    return holds(seen)


def _same(one: Expectation, scope: Scope, runs: Mapping[str, Run]) -> Verdict:
    name = one.keys.get("as", "")
    other = runs.get(name)
    if other is None:
        return fails(f"cannot be checked: the variant '{name}' was not played")
    until = scope.step.step.at if scope.step else None
    agencies: set[str] = set()
    for text in one.keys["for"]:
        agencies |= Who(text, scope).agencies()
    for agency in sorted(agencies):
        here, there = (_until(run.views.get(agency, ()), until) for run in (scope.run, other))
        difference = _difference(here, there)
        if difference:
            return fails(f"{agency} {difference}", [{"agency": agency, "here": len(here), name: len(there)}])
    missing = lacking_rules(one, scope.rules())
    return fails(f"the views are equal, but {missing}") if missing else holds()


def _until(views: tuple[View, ...], until: datetime | None) -> tuple[View, ...]:
    return tuple(v for v in views if until is None or v.received_at <= until)


def _difference(here: tuple[View, ...], there: tuple[View, ...]) -> str:
    if len(here) != len(there):
        return f"sees {len(here)} messages here and {len(there)} in the variant"
    for number, (a, b) in enumerate(zip(here, there, strict=True), 1):
        left, right = a.without_ids(), b.without_ids()
        if left != right:
            names = [name for name, value in left.items() if value != right[name]]
            return f"sees another {listed(names)} in message {number}"
    return ""


_CHECKS: Final[dict[str, Callable[[Expectation, Scope], Verdict]]] = {
    "told": told,
    "not_told": not_told,
    "held": held,
    "denied": denied,
    "review": review,
    "due": due,
    "fired": fired,
    "note": note,
    "state": state,
    "rules": _rules,
}

"""state: how a step or a person stands at the end of a scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from contracts.decision import Decision
from services.scenario.driver import Decided
from services.scenario.model import Expectation, Review
from services.scenario.trace import Played, Scope, answered
from services.scenario.verdict import Verdict, fails, holds, lacking_rules, listed
from services.scenario.who import Who

_RECALL_CODES: Final = {
    "recall_stopped": "stopped",
    "recall_deleted": "deleted",
    "recall_impossible": "impossible",
}


def state(one: Expectation, scope: Scope) -> Verdict:
    """Each ``of`` stands as ``is`` says, and the facts are those."""
    for name in one.keys["of"]:
        verdict = _facts(name, one, scope) if "facts" in one.keys else holds()
        if verdict.passed and "is" in one.keys:
            verdict = _stands(name, one, scope)
        if not verdict.passed:
            return verdict
    reasons = scope.rules()
    missing = lacking_rules(one, reasons)
    return fails(f"it is so, but {missing} (cited: {listed(sorted(reasons))})") if missing else holds()


def _stands(name: str, one: Expectation, scope: Scope) -> Verdict:
    wanted = one.keys["is"]
    played = scope.run.played(name)
    if name in scope.run.people and not (played and wanted in _STEP_STATES):
        return _PERSON_STATES.get(wanted, _not_of_a_person)(name, one, scope)
    if played is None:
        return fails(f"the step '{name}' was not played")
    return _STEP_STATES.get(wanted, _not_of_a_step)(played, one, scope)


def _not_of_a_person(name: str, one: Expectation, scope: Scope) -> Verdict:
    return fails(f"'{one.keys['is']}' is a state of a step, and {name} is a person")


def _not_of_a_step(played: Played, one: Expectation, scope: Scope) -> Verdict:
    return fails(f"'{one.keys['is']}' is a state of a person, and {played.step.id} is a step")


# -- people ------------------------------------------------------------------------------------------------
def _open(name: str, one: Expectation, scope: Scope) -> Verdict:
    closing = [
        d.decision.event
        for d in scope.so_far()
        if d.person == name
        and d.decision.outcome == "accepted"
        and d.decision.event in ("CaseClosed", "CaseReopened")
    ]
    known = any(d.person == name for d in scope.so_far())
    is_open = known and (not closing or closing[-1] == "CaseReopened")
    wanted = one.keys["is"] == "open"
    return (
        holds()
        if known and is_open is wanted
        else fails(f"{name}'s case is {'open' if is_open else 'closed'}")
    )


def _frozen(name: str, one: Expectation, scope: Scope) -> Verdict:
    facts = scope.last.facts.get(name) if scope.last else None
    if facts is not None and facts.get("frozen"):
        return holds()
    mine = [d.decision for d in scope.so_far() if d.person == name]
    set_by_hand = any(d.event == "ProtectionFreezeSet" and d.outcome == "accepted" for d in mine)
    return holds() if set_by_hand or any(_freezes(d) for d in mine) else fails(f"{name} is not frozen")


def _freezes(decision: Decision) -> bool:
    """R26: a claim after the origin was told. What was told is taken back, and that side hears nothing more."""
    return any(ref.id == "R26" for ref in decision.rules_fired) and any(
        regrant.recalled for regrant in decision.regrants
    )


def _unlinked(name: str, one: Expectation, scope: Scope) -> Verdict:
    """Nobody but ``except_for`` may know that mother and baby belong together."""
    allowed: set[str] = set()
    for text in one.keys.get("except_for", ()):
        allowed |= Who(text, scope).agencies()
    found = [
        d.decision.unlinked_except
        for d in scope.so_far()
        if d.person in one.keys["of"] and d.decision.unlinked_except is not None
    ]
    if not found:
        return fails(f"{name} is not unlinked")
    surplus = sorted(set(found[-1] or ()) - allowed)
    return fails(f"{listed(surplus)} may know that they belong together") if surplus else holds()


def _erased(name: str, one: Expectation, scope: Scope) -> Verdict:
    wanted = set(one.keys.get("groups", ()))
    gone: set[str] = set()
    for d in scope.so_far():
        if d.person == name:
            gone |= set(d.decision.erase_groups)
            if d.decision.event == "SubjectErased" and d.decision.outcome == "accepted":
                return holds()
    readable = scope.last.readable.get(name) if scope.last else None
    if readable is not None and wanted & readable:
        return fails(f"{listed(sorted(wanted & readable))} of {name} can still be opened")
    missing = sorted(wanted - gone)
    if missing or not gone:
        return fails(f"{listed(missing)} of {name} is not erased" if missing else f"{name} is not erased")
    return holds()


# -- steps -------------------------------------------------------------------------------------------------
def _held(played: Played, one: Expectation, scope: Scope) -> Verdict:
    waiting = _waits(played, scope)
    return holds() if waiting else fails(f"{played.step.id} is not held")


def _released(played: Played, one: Expectation, scope: Scope) -> Verdict:
    if _waits(played, scope):
        return fails(f"{played.step.id} still waits")
    freed = any(e in d.decision.released for d in scope.so_far() for e in played.result.event_ids)
    return holds() if freed else fails(f"{played.step.id} was not released")


def _refused(played: Played, scope: Scope) -> bool:
    """Whether the desk refused what the step left open."""
    return any(
        isinstance(other.step.action, Review)
        and other.step.action.action == "refuse"
        and other.step.action.of == played.step.id
        and other.result.outcome == "accepted"
        for other in _steps_so_far(scope)
    )


def _held_by(decision: Decision) -> set[UUID]:
    """The events that a decision says wait, whole or for some recipient."""
    return {h.event_id for h in decision.held} | ({decision.event_id} if decision.outcome == "held" else set())


def _was_held(played: Played, scope: Scope) -> bool:
    events = set(played.result.event_ids)
    return any(events & _held_by(d.decision) for d in scope.so_far())


def _waits(played: Played, scope: Scope) -> bool:
    """Whether the event was held for somebody and neither released for that person nor refused since."""
    if _refused(played, scope):
        return False
    events = set(played.result.event_ids)
    waiting: set[str | None] = set()
    for d in scope.so_far():
        if events & set(d.decision.released):
            waiting.discard(d.person)
        if events & _held_by(d.decision):
            waiting.add(d.person)
    return bool(waiting)


def _met(played: Played, one: Expectation, scope: Scope) -> Verdict:
    """The clocks that wait for events count; those that wait for answers only where there is no other."""
    wanted = one.keys["is"]
    events = set(played.result.event_ids)
    clocks = [
        deadline
        for d in scope.so_far()
        for deadline in d.decision.deadlines
        if deadline.event_id in events and ("for" not in one.keys or _owned(deadline.owner, one, scope))
    ]
    clocks = [c for c in clocks if c.awaits_events] or clocks
    ids = {c.deadline_id for c in clocks}
    if not ids:
        return fails(f"{played.step.id} set no clock")
    met = {i for d in scope.so_far() for i in d.decision.deadlines_met} & ids
    missed = {i for d in scope.so_far() for i in d.decision.deadlines_missed} & ids
    good = bool(met) and not missed - met if wanted == "met" else bool(missed)
    return (
        holds()
        if good
        else fails(f"{played.step.id}: {len(met)} clocks met, {len(missed)} missed of {len(ids)}")
    )


def _owned(owner: str | None, one: Expectation, scope: Scope) -> bool:
    return any(owner in Who(text, scope).agencies() for text in one.keys["for"])


def _answer(played: Played, one: Expectation, scope: Scope) -> Verdict:
    wanted = one.keys["is"]
    kind = "decline" if wanted == "declined" else "accept"
    given = _answers(played, one, scope)
    newest = [a for a in given if a[1] in ("accept", "decline", "redirect")][-1:]
    if not newest:
        if (
            "for" not in one.keys
            and not given
            and wanted == "accepted"
            and played.result.outcome == "accepted"
        ):
            return holds()
        return fails(f"nobody answered {played.step.id}")
    _, said, was_reported = newest[0]
    good = said == kind and (wanted != "accepted_reported" or was_reported)
    reported = ", reported by another" if was_reported else ""
    return holds() if good else fails(f"the answer to {played.step.id} is: {said}{reported}")


def _answers(played: Played, one: Expectation, scope: Scope) -> list[tuple[Played, str, bool]]:
    """Answers to a step so far, by those in ``for``: the step, the kind, whether another entered it."""
    found = []
    for other in _steps_so_far(scope):
        answer = answered(other)
        if answer is None or answer.to != played.step.id or other.result.outcome != "accepted":
            continue
        if "for" not in one.keys or any(
            other.actor in Who(text, scope).agencies() for text in one.keys["for"]
        ):
            found.append((other, answer.kind, answer.reported is not None))
    return found


def _steps_so_far(scope: Scope) -> list[Played]:
    return [
        p
        for p in scope.run.steps
        if p.end <= scope.end and (scope.step is None or p.start <= scope.step.start)
    ]


def _stopped(played: Played, one: Expectation, scope: Scope) -> Verdict:
    """What waited or was sent no longer goes on: recalled, or taken out of what waits."""
    dispatched = _dispatched(played, one, scope)
    recalled = _recalled(scope.so_far())
    if dispatched:
        going = dispatched - recalled
        return fails(f"{len(going)} messages of {played.step.id} still stand") if going else holds()
    if not _was_held(played, scope):
        return fails(f"nothing of {played.step.id} was sent, and nothing of it waited")
    return holds() if not _waits(played, scope) else fails(f"{played.step.id} still waits")


def _recall(played: Played, one: Expectation, scope: Scope) -> Verdict:
    wanted = one.keys["is"]
    recalled = _dispatched(played, one, scope) & _recalled(scope.so_far())
    if not recalled:
        return fails(f"nothing of {played.step.id} was recalled")
    codes = [answered(other) for other, kind, _ in _answers(played, one, scope) if kind == "recall"]
    said = [a.code for a in codes if a is not None]
    if wanted == "recall_unanswered":
        return (
            fails(f"the recall of {played.step.id} was answered: {listed(str(c) for c in said)}")
            if said
            else holds()
        )
    good = any(code in (wanted, _RECALL_CODES[wanted]) for code in said)
    return (
        holds()
        if good
        else fails(f"the recall of {played.step.id} was answered: {listed(str(c) for c in said)}")
    )


def _dispatched(played: Played, one: Expectation, scope: Scope) -> set[UUID]:
    events = set(played.result.event_ids)
    whos = [Who(text, scope) for text in one.keys.get("for", ())]
    return {
        x.dispatch_id
        for i, d in enumerate(scope.so_far())
        for x in d.decision.dispatches
        if x.event_id in events and (not whos or any(w.received(i, d, x) for w in whos))
    }


def _recalled(decisions: list[Decided]) -> set[UUID]:
    return {r.dispatch_id for d in decisions for r in d.decision.regrants if r.recalled or not r.groups}


# -- facts -------------------------------------------------------------------------------------------------
def _facts(name: str, one: Expectation, scope: Scope) -> Verdict:
    folded = scope.last.facts.get(name) if scope.last else None
    if folded is None:
        return fails(f"the facts of {name} cannot be read here")
    for fact, wanted in one.keys["facts"].items():
        there = folded.get(fact)
        if not _equal(wanted, there):
            return fails(f"the fact '{fact}' of {name} is otherwise", [{"fact": fact, "is": _plain(there)}])
    return holds()


def _equal(wanted: Any, there: Any) -> bool:
    if isinstance(wanted, list):
        return isinstance(there, (list, tuple, set, frozenset)) and {str(w) for w in wanted} == {
            str(t) for t in there
        }
    return bool(_plain(wanted) == _plain(there))


def _plain(value: Any) -> Any:
    if isinstance(value, (set, frozenset, tuple, list)):
        return sorted(str(v) for v in value)
    return value if isinstance(value, (bool, int, float, dict)) or value is None else str(value)


_PERSON_STATES: Final[dict[str, Callable[[str, Expectation, Scope], Verdict]]] = {
    "open": _open,
    "closed": _open,
    "frozen": _frozen,
    "unlinked": _unlinked,
    "erased": _erased,
}
_STEP_STATES: Final[dict[str, Callable[[Played, Expectation, Scope], Verdict]]] = {
    "held": _held,
    "released": _released,
    "stopped": _stopped,
    "met": _met,
    "missed": _met,
    "accepted": _answer,
    "accepted_reported": _answer,
    "declined": _answer,
    "recall_unanswered": _recall,
    "recall_stopped": _recall,
    "recall_deleted": _recall,
    "recall_impossible": _recall,
}

"""A decision in sentences, for a caseworker, a lawyer, an auditor. Roles, groups and rules; no value of a person."""

from __future__ import annotations

from collections.abc import Iterable

from contracts.decision import Decision, Denied, Dispatch, Held, RuleRef
from routing.law import Law
from routing.rule import Rule

_BASIS = {
    "consent": "on her consent",
    "child_duty": "on the duty to protect a child",
    "statute": "on a duty set by law",
    "vital_interest": "because life is at stake",
    "treaty_notice": "as a notice under treaty",
}


def sentences(decision: Decision, law: Law) -> tuple[str, ...]:
    """What was concluded, one sentence each: told, waiting, denied, deadlines, reviews, recalls."""
    found = [_told(d, law) for d in decision.dispatches]
    found += [_held(h, law) for h in decision.held]
    found += [_denied(d, law) for d in decision.denied]
    for due in decision.deadlines:
        awaited = " or ".join(due.awaits_events) or f"an answer ({due.awaits_answer})"
        found.append(f"{due.owner_address or 'The owner'} has until {due.due_at:%Y-%m-%d %H:%M} UTC for {awaited}"
                     + _because(due.rules, law) + ".")  # fmt: skip
    found += [f"A person is asked at {r.desk_address or r.desk}: {r.reason}." for r in decision.reviews]
    found += [
        f"An earlier dispatch {'was recalled' if r.recalled else 'now opens less'}{_because(r.rules, law)}."
        for r in decision.regrants
    ]
    return tuple(found)


def _told(dispatch: Dispatch, law: Law) -> str:
    parts = ["F0", *dispatch.groups, *(item.replace("_", " ") for item in dispatch.items)]
    what = " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else parts[0]
    via = " by telephone" if dispatch.via == "duty_phone" else ""
    return (
        f"Told {dispatch.address}{via} of {dispatch.event}: {what}, for {dispatch.purpose}, "
        f"{_BASIS.get(dispatch.basis, dispatch.basis)}{_because(dispatch.rules, law)}."
    )


def _held(held: Held, law: Law) -> str:
    who = held.address or "the event itself"
    asks = f" until there is {' and '.join(held.asks)}" if held.asks else ""
    return f"Waiting: {held.event} to {who}{asks}{_because(held.rules, law)}."


def _denied(denied: Denied, law: Law) -> str:
    asks = f"; it lacks {' and '.join(denied.asks)}" if denied.asks else ""
    return f"Not told: {denied.event} to {denied.address or 'anyone'}{asks}{_because(denied.rules, law)}."


def _because(refs: Iterable[RuleRef], law: Law) -> str:
    titles = [rule_words(ref, law) for ref in refs]
    return f", because {'; '.join(titles)}" if titles else ""


def rule_words(ref: RuleRef, law: Law) -> str:
    """``R21 (S/A): The return focal point …``: id, confidence mark, title in plain words."""
    rule = rule_of(ref, law)
    return f"{ref.id} ({rule.mark}): {rule.title}" if rule else ref.id


def rule_of(ref: RuleRef, law: Law) -> Rule | None:
    """The rule that a reference means, in the version it names."""
    return next((rule for rule in law.rules if rule.ref == ref), None)

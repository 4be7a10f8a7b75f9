"""Rules that never decide anything: impossible conditions, routes always denied, brakes that another always sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from routing.analysis.boxes import Box, left_over, meet
from routing.analysis.finding import Finding
from routing.analysis.speeches import Speech, covers_target, lies_within


def shadows(spoken: Sequence[Speech]) -> Iterable[Finding]:
    """Findings: impossible, always denied (errors), always said by another too (notes)."""
    denials = [one for one in spoken if one.effect.kind == "deny" and one.stands_always and not one.effect.event]
    for one in spoken:
        if not one.boxes:
            yield _impossible(one)
        elif one.effect.kind == "route":
            yield from _denied_route(one, denials)
        elif one.effect.kind in ("deny", "withhold"):
            others = [other for other in spoken if other is not one and dominates(other, one)]
            if others and is_covered(one, others):
                yield _repeated(one, others)


def is_covered(one: Speech, others: Sequence[Speech]) -> bool:
    """Whether in every state in which one speaks, at least one of the others does. Exact, see :mod:`boxes`."""
    return left_over(one.boxes, [box for other in others for box in other.boxes]) is None


def denies(denial: Speech, target: str, purpose: str | None) -> bool:
    """Whether a denial surely covers a route to that target, for whatever purpose it is told."""
    effect = denial.effect
    return covers_target(effect, target) and (not effect.purposes or purpose in effect.purposes)


def dominates(other: Speech, one: Speech) -> bool:
    """Whether ``other``, where it speaks, takes away all that ``one`` does."""
    a, b = other.effect, one.effect
    if a.kind != b.kind or a.event != b.event or a.needs:
        return False
    if a.purposes and not (b.purposes and b.purposes <= a.purposes):
        return False
    if a.kind == "withhold" and not b.groups <= a.groups:
        return False
    if not set(a.except_to) <= set(b.except_to):
        return False
    return a.event or all(any(lies_within(t, wide) for wide in a.to or ("*",)) for t in b.to or ("*",))


def _denied_route(one: Speech, denials: Sequence[Speech]) -> Iterable[Finding]:
    for target in one.effect.to:
        against = [denial for denial in denials if denies(denial, target, one.effect.purpose)]
        meeting = [denial for denial in against if _meets(one.boxes, denial.boxes)]
        if meeting and is_covered(one, meeting):
            by = _names(meeting)
            yield Finding(
                "error", "always-denied", one.where,
                f"{one.rule.id} never tells {target}: wherever it would, {by} {_deny(meeting)} it",
                f"Narrow the condition of {by}, or strike this route.",
            )  # fmt: skip
        else:
            for denial in meeting:
                yield Finding(
                    "note", "denied-there", one.where,
                    f"{one.rule.id} routes to {target} and {denial.rule.id} denies it where both hold; the denial wins",
                    "Nothing to do where that is meant.",
                )  # fmt: skip


def _meets(some: Iterable[Box], others: Sequence[Box]) -> bool:
    return any(meet(a, b) is not None for a in some for b in others)


def _impossible(one: Speech) -> Finding:
    return Finding(
        "error", "impossible", one.where,
        f"{one.rule.id}: no case can meet the condition of this {one.effect.kind}, so it never speaks",
        "The rule's condition and the effect's own exclude each other: mend one of them.",
    )  # fmt: skip


def _repeated(one: Speech, others: Sequence[Speech]) -> Finding:
    meeting = [other for other in others if _meets(one.boxes, other.boxes)]
    return Finding(
        "note", "said-twice", one.where,
        f"{one.rule.id}: this {one.effect.kind} adds nothing; {_names(meeting)} {_say(meeting)} as much "
        "wherever it speaks",
        "Keep it where it rests on a law of its own; else strike it.",
    )  # fmt: skip


def _names(found: Iterable[Speech]) -> str:
    ids = sorted({one.rule.id for one in found})
    return " and ".join([", ".join(ids[:-1]), ids[-1]] if len(ids) > 1 else ids)


def _deny(found: Iterable[Speech]) -> str:
    return "denies" if len({one.rule.id for one in found}) == 1 else "deny"


def _say(found: Iterable[Speech]) -> str:
    return "says" if len({one.rule.id for one in found}) == 1 else "say"


def contradictions(spoken: Sequence[Speech]) -> Iterable[Finding]:
    """Within one rule: told and denied, or granted and withheld, on the same facts."""
    for one in spoken:
        for other in spoken:
            if other.rule is not one.rule or not _meets(one.boxes, other.boxes):
                continue
            pair = (one.effect.kind, other.effect.kind)
            if pair == ("route", "deny") and other.stands_always and not other.effect.event:
                clash = [t for t in one.effect.to if denies(other, t, one.effect.purpose)]
                says = f"{one.rule.id} tells {', '.join(clash)} and denies it on the same facts"
            elif pair == ("grant", "withhold") and one.effect.groups & other.effect.groups:
                clash = [t for t in one.effect.to if covers_target(other.effect, t)]
                says = f"{one.rule.id} grants and withholds the same groups from {', '.join(clash)} on the same facts"
            else:
                continue
            if clash:
                yield Finding("error", "contradiction", other.where, says,
                              f"See {one.where}; let only one of them hold.")  # fmt: skip


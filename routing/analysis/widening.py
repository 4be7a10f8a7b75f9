"""Whether a change of the rules only takes away, or somebody could newly be told or be told more (ADR 0172).

Shown from the data alone, for every state of facts, or not at all: what is not provably narrowing counts as widening.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import date
from functools import reduce
from typing import Final

from routing.analysis.finding import Finding, sorted_findings
from routing.conditions import Clause, FactTest, both
from routing.law import Law
from routing.rule import Effect, Rule
from routing.targets import EVERYBODY
from routing.vocabulary import FACTS

_SILENT: Final = frozenset({"cite", "confine"})
"""Effects that decide nothing."""
_AWAY: Final = frozenset({"deny", "hold", "withhold", "recall"})
_SIDES: Final = frozenset({"any", "state"})
_REMEDY: Final = "A second person must approve it."


def widenings(old: Law, new: Law) -> tuple[Finding, ...]:
    """What of a change is not provably narrowing; nothing, if under the new law nobody is told who was not before.

    Args:
        old, new: what serves (:meth:`Law.live` where people are real), over one directory.
    """
    found: list[Finding] = []
    if old.directory_hash != new.directory_hash or old.purposes != new.purposes:
        found.append(_finding("", "the directory or the table of purposes is another, so that nothing can be compared"))
    found += [
        _finding(absent.id, f"{absent.id} no longer holds what only an absent rule reads")
        for absent in old.absent if not any(implies(absent.when, one.when) for one in new.absent)
    ]  # fmt: skip
    before, after, asked = _by_version(old), _by_version(new), _asked_of_desks(new)
    for key in sorted({*before, *after}):
        found += _of_rule(before.get(key), after.get(key), asked)
    return sorted_findings(found)


def _by_version(law: Law) -> dict[tuple[str, date], Rule]:
    return {(rule.id, rule.valid_from): rule for rule in law.rules if rule.confirmed}


def _of_rule(old: Rule | None, new: Rule | None, asked: Set[str]) -> Iterable[Finding]:
    before, after = old.effects if old else (), new.effects if new else ()
    rule = new or old
    assert rule is not None
    for number in range(max(len(before), len(after))):
        was = before[number] if number < len(before) else None
        now = after[number] if number < len(after) else None
        if not _narrows(old, was, new, now, asked):
            at = now or was
            assert at is not None
            yield _finding(at.where or rule.where, f"{rule.id}: {_what(was, now)}")


def _what(was: Effect | None, now: Effect | None) -> str:
    if was is None or now is None:
        effect, done = (now, "comes in") if now else (was, "goes")
        return f"{effect.kind if effect else ''} {done}, and may open what was not open"
    return f"{was.kind} is changed in a way that may open what was not open"


def _narrows(old: Rule | None, was: Effect | None, new: Rule | None, now: Effect | None, asked: Set[str]) -> bool:
    """Whether one effect in place of another (None: not there) can only take away."""
    if was is None or was.kind in _SILENT:
        return now is None or now.kind in _SILENT or takes_away(now, asked)
    if now is None or now.kind in _SILENT:
        return was.kind == "grant"
    assert old is not None
    assert new is not None
    longer, shorter = _within(old, new), _within(new, old)
    wider, narrower = implies(_when(old, was), _when(new, now)), implies(_when(new, now), _when(old, was))
    if _bare(was) == _bare(now):
        same = wider and narrower and longer and shorter and _rank(old, was) == _rank(new, now)
        away = takes_away(now, asked) and wider and longer
        return same or away or (now.kind == "grant" and narrower and shorter)
    if was.kind == now.kind == "grant":
        return narrower and shorter and now.groups <= was.groups and set(now.to) <= set(was.to)
    return was.kind == now.kind == "withhold" and wider and longer and _withholds_more(was, now)


def _withholds_more(was: Effect, now: Effect) -> bool:
    to = not now.to or (bool(was.to) and set(was.to) <= set(now.to))
    return to and was.groups <= now.groups and set(now.except_to) <= set(was.except_to)


def _bare(effect: Effect) -> Effect:
    """What it does, without when and where."""
    return replace(effect, when=(), on=None, where="")


def _within(inner: Rule, outer: Rule) -> bool:
    """Whether on every day on which one rule is in force the other is."""
    starts = max(outer.valid_from, outer.recorded_at) <= max(inner.valid_from, inner.recorded_at)
    return starts and (outer.valid_to is None or (inner.valid_to is not None and inner.valid_to <= outer.valid_to))


def _rank(rule: Rule, effect: Effect) -> int:
    """How many facts it names, by which offers are ranked (:class:`routing.compiled.Compiled`).

    Conditions that hold on the same facts may name more or fewer: of two offers another would win.
    """
    return max(len(clause.keys() - {"event"}) for clause in _when(rule, effect))


def _asks(hold: Effect) -> frozenset[str]:
    return frozenset(need.asks for need in hold.needs) or frozenset(hold.asks or ("review",))


def _asked_of_desks(law: Law) -> frozenset[str]:
    """What some hold asks of a desk other than the case's owner, who knows of it anyway."""
    holds = [one for rule in law.rules if rule.confirmed for one in rule.effects if one.kind == "hold"]
    return frozenset(ask for one in holds if one.review not in (None, "owner") for ask in _asks(one))


def takes_away(effect: Effect, asked: Set[str]) -> bool:
    """Whether an effect can only take away, whatever other rules say.

    A denial or hold of one purpose, or of one of an agency's roles, is not among them: what is left of the offers to
    the same agency may carry other groups. Nor is one of the event itself: facts that it states would not be counted.
    Nor is a hold with a review, of any desk: of the holds that ask the same, the first rule says who may answer, and
    whether a second person must. Nor is one that asks what another hold asks of a desk: that desk would be asked.

    Args:
        asked: what holds ask of desks.
    """
    if effect.kind not in _AWAY or effect.event or effect.fresh_consent:
        return False
    if effect.kind == "withhold":
        return True
    if effect.purposes or effect.bases or effect.review is not None:
        return False
    if effect.kind == "hold" and _asks(effect) & asked:
        return False
    if effect.kind == "recall":
        return not effect.needs
    return all(_whole_agencies(target) for target in (*effect.to, *effect.except_to))


def _whole_agencies(target: str) -> bool:
    """Whether it means agencies as such, and not some of the addresses at which one may be told.

    A role never does: it does not reach its holder's units that stand apart (/duty, /director), though it may be told
    there.
    """
    return target == EVERYBODY or target.partition("@")[0] in _SIDES


def _when(rule: Rule, effect: Effect) -> tuple[Clause, ...]:
    conditions = [rule.when, effect.when]
    if effect.on is not None:
        conditions.append(({"event": FactTest(effect.on)},))
    return reduce(both, conditions)


def implies(narrow: tuple[Clause, ...], wide: tuple[Clause, ...]) -> bool:
    """Whether provably, alternative by alternative, whatever meets the one condition meets the other."""
    return all(any(_clause_implies(one, other) for other in wide) for one in narrow)


def _clause_implies(narrow: Clause, wide: Clause) -> bool:
    return all(_test_implies(fact, narrow.get(fact, FactTest()), test) for fact, test in wide.items())


def _test_implies(fact: str, narrow: FactTest, wide: FactTest) -> bool:
    wanted = [one - narrow.none for one in narrow.wanted()]
    single = not FACTS[fact].several and any(not wide.none & some for some in wanted)
    excluded = wide.none <= narrow.none or single
    return excluded and all(any(some <= one for some in wanted) for one in wide.wanted())


def _finding(where: str, sentence: str) -> Finding:
    return Finding("warning", "widens", where, sentence, _REMEDY)

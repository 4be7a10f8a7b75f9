"""Whether each rule keeps to its own examples, and examples for a rule that has none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from routing.analysis.boxes import EVERYTHING, Box, boxes_of, left_over
from routing.analysis.explaining import speaks
from routing.analysis.given import seen_from
from routing.analysis.speeches import condition_of
from routing.conditions import View
from routing.rule import Rule
from routing.vocabulary import FACTS

_LIKELY: Final = ("TH", "LA", "KH", "true", "ActualVictimOfTrafficking", "ForcedLabour", "child", "immigration",
                  "ReferralSent")  # fmt: skip
"""Values that make an example easy to picture, first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An example that does not hold, or one that is missing."""

    rule: Rule
    where: str
    sentence: str


def failures(rules: Iterable[Rule]) -> tuple[Failure, ...]:
    """Examples that the rules do not keep to, and rules without one of each kind. Dates do not matter here."""
    found = []
    for rule in rules:
        for example in rule.examples:
            spoken = speaks(rule, seen_from(example.facts))
            if example.speaks and not spoken:
                found.append(Failure(rule, example.where, f"{rule.id} is silent on facts on which it must speak"))
            if not example.speaks and spoken:
                kinds = ", ".join(sorted({effect.kind for effect in spoken}))
                found.append(Failure(rule, example.where, f"{rule.id} speaks ({kinds}) where it must be silent"))
        kinds_there = {example.speaks for example in rule.examples}
        if True not in kinds_there:
            found.append(Failure(rule, rule.where, f"{rule.id} has no example on which it must speak"))
        if False not in kinds_there and can_be_silent(rule):
            found.append(Failure(rule, rule.where, f"{rule.id} has no example on which it must be silent"))
    return tuple(found)


def can_be_silent(rule: Rule) -> bool:
    """Whether there are facts on which a rule does not speak; some rules hold for everybody."""
    return left_over([EVERYTHING], _boxes(rule)) is not None


def _boxes(rule: Rule) -> list[Box]:
    return [box for effect in rule.effects for box in boxes_of(condition_of(rule, effect))]


def suggested(rule: Rule) -> tuple[View | None, View | None]:
    """Facts on which a rule speaks, and facts one step away on which it does not. For its owner to look at."""
    for box in _boxes(rule):
        given = _likely(box)
        if speaks(rule, seen_from(given)):
            return given, _near_miss(rule, given, box) if can_be_silent(rule) else None
    return None, None


def _likely(box: Box) -> dict[str, str | frozenset[str]]:
    picked: dict[str, str | frozenset[str]] = {}
    for fact, side in box.items():
        left = FACTS[fact].values - side.misses
        if FACTS[fact].several:
            picked[fact] = frozenset(_first(hit & left) for hit in side.hits) or frozenset({_first(left)})
        else:
            picked[fact] = _first(left)
    return picked


def _first(values: frozenset[str]) -> str:
    likely = next((value for value in _LIKELY if value in values), None)
    return likely or str(min(values, key=lambda v: (v in ("unset", "none", "unknown", "false"), v)))


def _near_miss(rule: Rule, given: Mapping[str, str | frozenset[str]], box: Box) -> View | None:
    """The example with one fact changed to what the condition excludes, the first that makes the rule silent."""
    for fact in sorted(box, key=lambda name: name == "event"):
        side = box[fact]
        opposites = side.misses or frozenset.union(frozenset(), *(FACTS[fact].values - hit for hit in side.hits))
        for value in sorted(opposites, key=lambda v: (v not in _LIKELY, v == "unset", v)):
            changed = {**given, fact: frozenset({str(value)}) if FACTS[fact].several else str(value)}
            if not speaks(rule, seen_from(changed)):
                return changed
    return None



"""Each effect of a rule with the states in which it speaks, and whether one target lies within another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from contracts.address import RELATIONS
from routing.agency import APART_UNITS
from routing.analysis.boxes import Box, boxes_of
from routing.conditions import Clause, FactTest, both
from routing.rule import Effect, Rule

_PARTS: Final = re.compile(
    r"(?P<role>[A-Za-z]+(?:-[A-Z])?)(?:\.(?P<state>\{\w+\}|[A-Z]{2}|\*))?@(?P<country>\{\w+\}|[A-Z]{2}|\*)(?:/(?P<unit>\w+))?"
)
_SIDES: Final = ("any", "state", "outside")


@dataclass(frozen=True, slots=True)
class Speech:
    """One effect and when it speaks. ``boxes`` is empty where its condition can never hold."""

    rule: Rule
    effect: Effect
    boxes: tuple[Box, ...]

    @property
    def where(self) -> str:
        """``file:line`` of the effect."""
        return self.effect.where or self.rule.where

    @property
    def stands_always(self) -> bool:
        """Whether it asks for nothing that could lift it."""
        return not self.effect.needs


def condition_of(rule: Rule, effect: Effect) -> tuple[Clause, ...]:
    """When an effect speaks: the rule's condition, its own, and the events it is limited to."""
    condition = both(rule.when, effect.when)
    return condition if effect.on is None else both(condition, ({"event": FactTest(effect.on)},))


def speeches(rules: Iterable[Rule], day: date) -> tuple[Speech, ...]:
    """The effects of the rules in force on a day."""
    return tuple(
        Speech(rule, effect, tuple(boxes_of(condition_of(rule, effect))))
        for rule in rules if rule.in_force(day) for effect in rule.effects
    )  # fmt: skip


def lies_within(narrow: str, wide: str) -> bool:
    """Whether whoever ``narrow`` means is surely meant by ``wide`` too, whatever the facts and the directory."""
    if wide in (narrow, "*"):
        return True
    inner, outer = _PARTS.fullmatch(narrow), _PARTS.fullmatch(wide)
    if inner is None or outer is None or inner["role"] in _SIDES:
        return False
    if outer["role"] == "any":
        return inner["country"] == outer["country"] and inner["state"] is None
    return (
        inner["role"] == outer["role"]
        and outer["country"] in ("*", inner["country"])
        and outer["state"] in (None, "*", inner["state"])
        and (outer["unit"] == inner["unit"] if outer["unit"] else inner["unit"] not in APART_UNITS)
    )


def may_meet(one: str, other: str) -> bool:
    """Whether somebody could be meant by both; True where that is not certain."""
    a, b = _PARTS.fullmatch(one), _PARTS.fullmatch(other)
    if a is None or b is None or {a["role"], b["role"]} & set(_SIDES):
        return True
    if a["role"] != b["role"]:
        return False
    known = [(a[part], b[part]) for part in ("state", "country") if a[part] and b[part]]
    return all(x == y or "*" in (x, y) or "{" in x + y for x, y in known)


def covers_target(effect: Effect, target: str) -> bool:
    """Whether an effect that names targets surely covers this one."""
    return any(lies_within(target, wide) for wide in effect.to or ("*",)) and not any(
        may_meet(target, left_out) for left_out in effect.except_to
    )


def is_relation(target: str) -> bool:
    """Whether a target is a part in the case, or a word, rather than a role."""
    return target in RELATIONS or "@" not in target

"""Which rules speak on given facts, what they do, and why the others on the same theme are silent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from routing.analysis.boxes import box_of, is_empty
from routing.analysis.speeches import condition_of
from routing.analysis.words import effect_words, mark_words, test_words, value_words
from routing.conditions import Clause, View, holds
from routing.rule import Effect, Rule
from routing.vocabulary import UNSET


@dataclass(frozen=True, slots=True)
class Speaking:
    """A rule that speaks, with the effects that do."""

    rule: Rule
    effects: tuple[Effect, ...]

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        rule = self.rule
        return {
            "rule": rule.id, "title": rule.title, "cite": rule.cite, "mark": rule.mark,
            "mark_means": mark_words(rule.mark), "where": rule.where, "does": [effect_words(e) for e in self.effects],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Silent:
    """A rule that does not speak, and the first test that fails."""

    rule: Rule
    why: str

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {"rule": self.rule.id, "title": self.rule.title, "mark": self.rule.mark, "why": self.why}


@dataclass(frozen=True, slots=True)
class Explained:
    """What a rule set says on one view."""

    view: View
    speaking: tuple[Speaking, ...]
    silent: tuple[Silent, ...]

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        facts = {f: sorted(v) if isinstance(v, frozenset) else v for f, v in sorted(self.view.items())}
        return {
            "facts": facts, "speaking": [one.as_json() for one in self.speaking],
            "silent": [one.as_json() for one in self.silent],
        }  # fmt: skip


def speaks(rule: Rule, view: View) -> tuple[Effect, ...]:
    """The effects of a rule whose conditions hold, whatever the day."""
    return tuple(effect for effect in rule.effects if holds(condition_of(rule, effect), view))


def explain(rules: Iterable[Rule], view: View, day: date, *, every_theme: bool = False) -> Explained:
    """Who speaks and why the others do not.

    Args:
        every_theme: also say why rules of other themes (files) are silent.
    """
    all_rules = tuple(rules)
    speaking = tuple(
        Speaking(rule, effects) for rule in all_rules if rule.in_force(day) and (effects := speaks(rule, view))
    )
    themes = {_theme(one.rule) for one in speaking}
    said = {one.rule.ref for one in speaking}
    silent = tuple(
        Silent(rule, _why(rule, view, day)) for rule in all_rules
        if rule.ref not in said and (every_theme or _theme(rule) in themes)
    )  # fmt: skip
    return Explained(view, speaking, silent)


def _theme(rule: Rule) -> str:
    return rule.where.rpartition(":")[0]


def _why(rule: Rule, view: View, day: date) -> str:
    if not rule.confirmed:
        return "it waits to be confirmed"
    if not rule.in_force(day):
        return f"it is not in force on {day}"
    clauses = [clause for effect in rule.effects for clause in condition_of(rule, effect)]
    failing = [_failing(clause, view) for clause in clauses if not is_empty(box_of(clause))]
    if not failing:
        return "no facts can meet its condition"
    _, fact, asked = max(failing, key=lambda one: one[0])
    return f"it asks for {asked}, and {_is(fact, view)}"


def _failing(clause: Clause, view: View) -> tuple[int, str, str]:
    """How many tests pass before the first that fails, its fact, and the test in words."""
    for passed, (fact, test) in enumerate(clause.items()):
        value = view.get(fact, UNSET)
        if not test.holds(value if isinstance(value, frozenset) else frozenset({value})):
            return passed, fact, test_words(fact, test)
    return -1, "", ""


def _is(fact: str, view: View) -> str:
    value = view.get(fact, UNSET)
    words = sorted(map(value_words, value)) if isinstance(value, frozenset) else [value_words(value)]
    return f"it is {' and '.join(words)}"

"""Rules and facts drawn from a seed: the conditions that engines are compared on, and rule sets of any size."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from benchmarks.engines import Conditions
from routing.compiled import RuleSet
from routing.conditions import FactTest, View, both
from routing.law import Law, sample_rules
from routing.rule import Effect, Rule
from routing.vocabulary import FACTS, UNSET

AT: Final = datetime(2026, 3, 2, 2, tzinfo=UTC)
LONG_AGO: Final = date(2020, 1, 1)
ONE_VALUED: Final = tuple(
    sorted(f for f, kind in FACTS.items() if not kind.several and len(kind.values) >= 6)
)
UNSET_SHARE: Final = 0.4
"""How often a drawn person's fact was not said. Real ones say fewer; then fewer rules hold."""

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Task:
    """Conditions by name, the same compiled by us, and the facts to match."""

    conditions: Conditions
    rule_set: RuleSet
    views: tuple[View, ...]


def small(seed: int, views: int, rules: int = 60, facts: int = 12, values: int = 6) -> Task:
    """Rules that each ask one to three of six values of two to five of twelve facts, one value a fact."""
    draw = random.Random(seed)
    of = {
        fact: draw.sample(sorted(FACTS[fact].values), values)
        for fact in sorted(draw.sample(ONE_VALUED, facts))
    }
    made = tuple(_rule(f"X{n:02}", _clause(draw, of, (2, 5))) for n in range(rules))
    seen = tuple({fact: draw.choice(some) for fact, some in of.items()} for _ in range(views))
    return Task({f"{rule.id}/0": rule.when for rule in made}, RuleSet(made), seen)


def committed(law: Law, seed: int, views: int) -> Task:
    """The committed rules in force, a condition an effect. Ours answers their requirements in the same pass too."""
    rule_set, draw = law.in_force(AT), random.Random(seed)
    conditions = {
        f"{rule.id}/{number}": _whole(rule, effect)
        for rule in rule_set.rules for number, effect in enumerate(rule.effects)
    }  # fmt: skip
    read = sorted({fact for one in conditions.values() for clause in one for fact in clause})
    return Task(conditions, rule_set, tuple(_person(draw, read) for _ in range(views)))


def with_drawn_rules(law: Law, seed: int, rules: int) -> Law:
    """The same law and, up to ``rules`` in all, drawn ones over the whole vocabulary: each withholds two groups."""
    return Law.load(
        {**sample_rules(), "90-drawn.yaml": drawn_text(seed, rules - len(law.rules))}, law.directory
    )


def drawn_text(seed: int, rules: int) -> str:
    """A rule file of that many rules, each over two to five facts."""
    draw = random.Random(seed)
    of = {fact: sorted(kind.values - {UNSET}) for fact, kind in sorted(FACTS.items())}
    lines = ["defaults: {valid_from: 2020-01-01, recorded_at: 2020-01-01, review_on: 2027-05-01}", "rules:"]
    for number in range(rules):
        when = ", ".join(
            f"{fact}: [{', '.join(map(_quoted, sorted(test.any or ())))}]"
            for fact, test in _clause(draw, of, (2, 5)).items()
        )
        groups = ", ".join(f"F{n}" for n in sorted(draw.sample(range(1, 13), 2)))
        lines += [
            f"- id: X{number}", "  title: A drawn rule", "  cite: none", "  mark: A", f"  when: {{{when}}}",
            "  then:", f"  - withhold: {{groups: [{groups}], to: ['LEA@{{found_in}}']}}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return f"'{value}'"  # NO is a country and, in YAML, a lie


def _clause(draw: random.Random, of: Values, width: tuple[int, int]) -> dict[str, FactTest]:
    facts = draw.sample(sorted(of), draw.randint(*width))
    return {f: FactTest(frozenset(draw.sample(of[f], min(len(of[f]), draw.randint(1, 3))))) for f in facts}


def _rule(name: str, clause: dict[str, FactTest]) -> Rule:
    return Rule(name, "drawn", "none", "A", LONG_AGO, None, LONG_AGO, None, (clause,), (Effect("cite"),))


def _whole(rule: Rule, effect: Effect) -> tuple[Mapping[str, FactTest], ...]:
    condition = both(rule.when, effect.when)
    return condition if effect.on is None else both(condition, ({"event": FactTest(effect.on)},))


def _person(draw: random.Random, read: Sequence[str]) -> View:
    made: dict[str, str | frozenset[str]] = {}
    for fact in read:
        values = sorted(FACTS[fact].values - {UNSET})
        if draw.random() < UNSET_SHARE:
            continue
        several = FACTS[fact].several
        made[fact] = (
            frozenset(draw.sample(values, min(len(values), draw.randint(1, 3))))
            if several
            else draw.choice(values)
        )
    return made

"""Checks over a whole set of rules at load."""

from __future__ import annotations

from contracts.errors import InvalidInput
from routing.conditions import Clause, FactTest, both
from routing.rule import Effect, Rule
from routing.vocabulary import FACTS


def check_equal_offers(rules: tuple[Rule, ...]) -> None:
    """Refuse two routes to one address, equally strong and for different reasons: which wins could not be said.

    Equally strong: they name equally many facts and can match together. ``over: true`` on one of them says.

    Raises:
        InvalidInput: ``bad-rule`` at the later of the two.
    """
    routes = [(rule, effect) for rule in rules for effect in rule.effects if effect.kind == "route"]
    for index, (rule, effect) in enumerate(routes):
        for other_rule, other in routes[index + 1 :]:
            if effect.over or other.over or not set(effect.to) & set(other.to):
                continue
            if (effect.purpose, effect.basis) == (other.purpose, other.basis):
                continue
            if None in (effect.purpose, other.purpose) and effect.basis == other.basis:
                continue  # the purpose by recipient; equal or not is seen when they meet, and the rule's wins
            if _meet_equally(rule, effect, other_rule, other):
                raise InvalidInput(
                    f"{rule.id} and {other_rule.id} offer one recipient equally strongly for different reasons",
                    code="bad-rule", field=other.where, remedy=f"Say over: true here or at {effect.where}.",
                )  # fmt: skip


def _meet_equally(rule: Rule, effect: Effect, other_rule: Rule, other: Effect) -> bool:
    left, right = both(rule.when, effect.when), both(other_rule.when, other.when)
    if effect.on is not None and other.on is not None and not effect.on & other.on:
        return False
    return any(len(a) == len(b) and _compatible(a, b) for a in left for b in right)


def _compatible(a: Clause, b: Clause) -> bool:
    return all(_meet(fact, a[fact], b[fact]) for fact in set(a) & set(b))


def _meet(fact: str, a: FactTest, b: FactTest) -> bool:
    if FACTS[fact].several:
        return not any(wanted <= y.none for x, y in ((a, b), (b, a)) for wanted in x.wanted())
    joined = a.joined(b, several=False)
    allowed = (FACTS[fact].values if joined.any is None else joined.any) - joined.none
    return bool(allowed)

"""The same conditions in five languages: bitsets, Zen, Cedar, Rego, CEL; and a plain loop over what they mean.

Each engine has read its rules beforehand. Facts reach it in two ways: as Python holds them (``hand_over``), which is
what a program pays that asks it; and made ready beforehand in the form it takes fastest (``match``), which is its
matching alone. Where an engine offers two forms of rules, both are here. The engines are no part of the product.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import cedarpy
import cel
import zen
from regopy import Input, Interpreter

from routing.compiled import Matched, RuleSet
from routing.conditions import Clause, FactTest, View, holds
from routing.vocabulary import FACTS, UNSET

Conditions = Mapping[str, tuple[Clause, ...]]
"""Conditions by name, in order. Engines answer with their places in that order; ours with their names."""
Says = Callable[[str, list[str]], str]
"""How a language says that a fact has one of these values."""

_OUT: Final = "nth_condition"  # a name that no fact has
CEDAR_REQUEST: Final = {
    "principal": 'Subject::"her"',
    "action": 'Action::"tell"',
    "resource": 'Agency::"any"',
}


@dataclass(frozen=True, slots=True)
class Engine:
    """How an engine is asked, and how its answer is read; reading the answer is not timed.

    ``given``: a person's facts as this engine's user would hold them in Python. ``hand_over`` answers from these, and
    ``match`` from what ``ready`` made of them.
    """

    name: str
    given: Callable[[View], Any]
    hand_over: Callable[[Any], Any]
    ready: Callable[[Any], Any]
    match: Callable[[Any], Any]
    names: Callable[[Any], frozenset[str]]


def engines_for(conditions: Conditions, rule_set: RuleSet) -> list[Engine]:
    """All of them; ours first. ``rule_set`` is these conditions compiled by us, an effect of its own each.

    Ours answers twice: ``bits``, a bit an alternative as others give a truth value; and ``match``, with the effects in
    force sorted by kind, which is what the router goes on with.
    """
    by_place, read = (
        list(conditions),
        sorted({f for c in conditions.values() for clause in c for f in clause}),
    )

    def at(places: Any) -> frozenset[str]:
        return frozenset(by_place[int(place)] for place in places)

    def facts(view: View) -> dict[str, Any]:
        return {fact: _json(fact, view.get(fact, UNSET)) for fact in read}

    return [
        *_ours(rule_set),
        _plain(conditions),
        *_zen(conditions, read, facts, at),
        _cedar(conditions, facts, at),
        _rego(conditions, facts, at),
        _cel(conditions, facts, at),
    ]


def _json(fact: str, value: str | frozenset[str]) -> Any:
    if not FACTS[fact].several:
        return value
    return sorted(value) if isinstance(value, frozenset) else [value]


def _ours(rule_set: RuleSet) -> list[Engine]:
    def of_bits(bits: int) -> frozenset[str]:
        return frozenset(one.key for bit, one in rule_set._effect_of_bit.items() if bits >> bit & 1)

    def of_match(found: Matched) -> frozenset[str]:
        return frozenset(one.key for one in found.effects)

    return [
        Engine("bitsets", _same, rule_set.bits, _same, rule_set.bits, of_bits),
        Engine("bitsets_with_effects", _same, rule_set.match, _same, rule_set.match, of_match),
    ]


def _same(given: Any) -> Any:
    return given


def _plain(conditions: Conditions) -> Engine:
    def match(view: View) -> list[str]:
        return [name for name, condition in conditions.items() if holds(condition, view)]

    return Engine("plain_loop", _same, match, _same, match, frozenset)


# --------------------------------------------------------------------------------- expressions of C's family
def _expression(condition: tuple[Clause, ...], one_of: Says, joined: tuple[str, str]) -> str:
    both, either = joined
    written = []
    for clause in condition:
        tests = [said for fact, test in clause.items() for said in _tests(fact, test, one_of)]
        written.append(both.join(tests) if tests else "true")
    return either.join(f"({one})" for one in written)


def _tests(fact: str, test: FactTest, one_of: Says) -> list[str]:
    found = [f"({one_of(fact, sorted(wanted))})" if wanted else "false" for wanted in test.wanted()]
    return found + ([f"!({one_of(fact, sorted(test.none))})"] if test.none else [])


def _in_words(equal: str, within: str, either: str) -> Says:
    def one_of(fact: str, values: list[str]) -> str:
        form = within if FACTS[fact].several else equal
        return either.join(form.format(fact=fact, value=json.dumps(value)) for value in values)

    return one_of


def _cel(conditions: Conditions, facts: Callable[[View], Any], at: Callable[[Any], frozenset[str]]) -> Engine:
    one_of = _in_words("{fact} == {value}", "{value} in {fact}", " || ")
    listed = ", ".join(_expression(one, one_of, (" && ", " || ")) for one in conditions.values())
    program = cel.compile(f"[{listed}]")
    return Engine("cel", facts, program.execute, lambda given: cel.Context(variables=given), program.execute,
                  lambda answers: at(_true(answers)))  # fmt: skip


def _true(answers: list[bool]) -> list[int]:
    return [place for place, answer in enumerate(answers) if answer]


def _cedar(
    conditions: Conditions, facts: Callable[[View], Any], at: Callable[[Any], frozenset[str]]
) -> Engine:
    def one_of(fact: str, values: list[str]) -> str:
        if FACTS[fact].several:
            return f"context.{fact}.containsAny({json.dumps(values)})"
        return " || ".join(f"context.{fact} == {json.dumps(value)}" for value in values)

    policies = cedarpy.PolicySet.from_str("\n".join(
        f'@id("{place}") permit(principal, action, resource) when {{ {_expression(one, one_of, (" && ", " || "))} }};'
        for place, one in enumerate(conditions.values())
    ))  # fmt: skip
    nobody = cedarpy.Entities.from_json_str("[]")

    def names(answer: Any) -> frozenset[str]:
        if answer.diagnostics.errors:
            raise RuntimeError("Cedar could not evaluate a condition")
        return at(answer.diagnostics.id_annotations_by_reason.values())

    def request(view: View) -> dict[str, Any]:
        return {**CEDAR_REQUEST, "context": facts(view)}

    def match(asked: dict[str, Any]) -> Any:
        return cedarpy.is_authorized(asked, policies, nobody)

    return Engine("cedar", request, match, _same, match, names)


# ------------------------------------------------------------------------------------------------------ Zen
def _zen(
    conditions: Conditions, read: list[str], facts: Callable[[View], Any], at: Callable[[Any], frozenset[str]]
) -> list[Engine]:
    one_of = _in_words("{fact} == {value}", "{value} in {fact}", " or ")
    listed = ", ".join(_expression(one, one_of, (" and ", " or ")) for one in conditions.values())
    expression = zen.compile_expression(f"[{listed}]")
    table = zen.ZenEngine().create_decision(json.dumps(_table(conditions, read)))

    return [
        Engine("zen_table", facts, table.evaluate, json.dumps, table.evaluate,
               lambda answer: at(row[_OUT] for row in answer["result"])),
        Engine("zen_expression", facts, expression.evaluate, json.dumps, expression.evaluate,
               lambda answers: at(_true(answers))),
    ]  # fmt: skip


def _table(conditions: Conditions, read: list[str]) -> dict[str, Any]:
    """A decision table that collects every row that holds; a condition's alternatives are rows of their own."""
    rows = [
        {"_id": f"{place}-{number}", _OUT: str(place)}
        | {fact: _cell(fact, clause[fact]) if fact in clause else "" for fact in read}
        for place, condition in enumerate(conditions.values())
        for number, clause in enumerate(condition)
    ]
    content = {
        "hitPolicy": "collect",
        "inputs": [{"id": fact, "name": fact, "field": fact} for fact in read],
        "outputs": [{"id": _OUT, "name": _OUT, "field": _OUT}],
        "rules": rows,
    }
    kinds = (
        ("in", "inputNode", {}),
        ("table", "decisionTableNode", {"content": content}),
        ("out", "outputNode", {}),
    )
    ways = (("in", "table"), ("table", "out"))
    return {
        "nodes": [
            {"id": n, "name": n, "type": kind, "position": {"x": 0, "y": 0}, **more}
            for n, kind, more in kinds
        ],
        "edges": [{"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"} for a, b in ways],
    }


def _cell(fact: str, test: FactTest) -> str:
    form = "some($, # in {})" if FACTS[fact].several else "$ in {}"
    tests = [form.format(json.dumps(sorted(wanted))) for wanted in test.wanted()]
    if test.none:
        tests.append(f"not ({form.format(json.dumps(sorted(test.none)))})")
    return " and ".join(tests)


# ----------------------------------------------------------------------------------------------------- Rego
def _rego(
    conditions: Conditions, facts: Callable[[View], Any], at: Callable[[Any], frozenset[str]]
) -> Engine:
    interpreter = Interpreter()
    interpreter.add_module("matching", _module(conditions))
    bundle = interpreter.build("data.matching.hit", ["matching/hit"])

    def match(given: Input) -> Any:
        interpreter.set_input(given)
        return interpreter.query_bundle(bundle)

    return Engine("rego", facts, lambda given: match(Input(given)), Input, match,
                  lambda output: at(json.loads(str(output))["expressions"][0]))  # fmt: skip


def _module(conditions: Conditions) -> str:
    """A partial set, an alternative a body. Value sets are named once; that was fastest of three forms tried."""
    sets: dict[str, str] = {}
    helpers: dict[str, str] = {}

    def one_of(fact: str, values: list[str]) -> str:
        if not values:
            return "false"
        within = sets.setdefault(f"{{{', '.join(map(json.dumps, values))}}}", f"set_{len(sets)}")
        if not FACTS[fact].several:
            return f"{within}[input.{fact}]"
        return helpers.setdefault(f"some v in input.{fact}; {within}[v]", f"has_{len(helpers)}")

    bodies = []
    for place, condition in enumerate(conditions.values()):
        for clause in condition:
            tests = [
                one_of(fact, sorted(wanted)) for fact, test in clause.items() for wanted in test.wanted()
            ]
            tests += [f"not {one_of(fact, sorted(test.none))}" for fact, test in clause.items() if test.none]
            bodies.append(f"hit contains {place} if {{ {'; '.join(tests) or 'true'} }}")
    lines = ["package matching", *(f"{name} := {values}" for values, name in sets.items())]
    return "\n".join([*lines, *(f"{name} if {{ {body} }}" for body, name in helpers.items()), *bodies])

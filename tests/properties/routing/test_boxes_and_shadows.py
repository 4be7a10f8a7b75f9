"""The checks over a rule set against brute force: every state of a small domain, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from hypothesis import given
from hypothesis import strategies as st

from routing.analysis.boxes import box_of, boxes_of, is_empty, left_over, meet, minus
from routing.analysis.shadows import denies, shadows
from routing.analysis.speeches import Speech
from routing.conditions import Clause, FactTest, View, holds
from routing.rule_text import read_rules
from routing.vocabulary import FACTS
from tests.support.rule_texts import rule_file

SINGLES = ("age", "asylum", "notify_origin")
SEVERAL = "exploitation"
USED = ("ForcedLabour", "ChildLabour", "Surrogacy")


def states() -> Iterator[View]:
    """Every state of three one-valued facts and of one that may have several values.

    Values that no test names are alike, so one of them, *Other*, stands for all.
    """
    sets = [frozenset(c) for n in range(1, 5) for c in combinations((*USED, "Other"), n)]
    for *ones, many in product(*(sorted(FACTS[f].values) for f in SINGLES), sets):
        yield {**dict(zip(SINGLES, ones, strict=True)), SEVERAL: many}


STATES = tuple(states())


def some_test_of(fact: str, words: tuple[str, ...]) -> st.SearchStrategy[FactTest]:
    """A test of a fact over these words."""
    some = st.frozensets(st.sampled_from(words), min_size=1)
    return st.builds(FactTest, st.none() | some, st.frozensets(st.sampled_from(words), max_size=2))


CLAUSE = st.fixed_dictionaries(
    {},
    optional={
        **{fact: some_test_of(fact, tuple(sorted(FACTS[fact].values))) for fact in SINGLES},
        SEVERAL: some_test_of(SEVERAL, USED)
        | st.builds(lambda a, b: a.joined(b, several=True), some_test_of(SEVERAL, USED), some_test_of(SEVERAL, USED)),
    },
)


def inside(clause: Clause) -> set[int]:
    """The states in which a clause holds."""
    return {number for number, state in enumerate(STATES) if holds((clause,), state)}


@given(CLAUSE, CLAUSE)
def test_meet_and_minus_are_set_operations(a: Clause, b: Clause) -> None:
    """Two boxes meet where some state lies in both, and what minus leaves is empty where nothing lies outside."""
    left, right = inside(a), inside(b)
    assert (meet(box_of(a), box_of(b)) is not None) == bool(left & right)
    assert is_empty(box_of(a)) == (not left)
    if left:
        assert any(not is_empty(piece) for piece in minus(box_of(a), box_of(b))) == bool(left - right)


@given(CLAUSE, st.lists(CLAUSE, max_size=4))
def test_what_is_left_over_is_what_no_clause_covers(a: Clause, others: list[Clause]) -> None:
    """Something is left over where some state of the first lies in none of the others."""
    covered = set().union(*(inside(other) for other in others))
    assert (left_over([box_of(a)], boxes_of(others)) is not None) == bool(inside(a) - covered)


WORDS = st.fixed_dictionaries(
    {},
    optional={
        "age": st.lists(st.sampled_from(sorted(FACTS["age"].values)), min_size=1, max_size=3, unique=True),
        "asylum": st.lists(st.sampled_from(sorted(FACTS["asylum"].values)), min_size=1, max_size=3, unique=True),
        SEVERAL: st.lists(st.sampled_from(USED), min_size=1, max_size=2, unique=True),
    },
)
TARGETS = st.sampled_from(["SHA@{found_in}", "SHA@*", "any@{found_in}", "MED@{found_in}", "*"])


@given(st.lists(st.tuples(st.sampled_from(["route", "deny"]), WORDS, TARGETS), min_size=1, max_size=5))
def test_a_route_is_always_denied_where_brute_force_says_so(
    written: list[tuple[str, dict[str, list[str]], str]],
) -> None:
    """The check calls a route always denied exactly where, in each state of the domain, some denial covers it."""
    rows = [
        (f"R{90 + n}", when, [{kind: {"to": "SHA@{found_in}" if kind == "route" and "*" in to else to}}])
        for n, (kind, when, to) in enumerate(written)
    ]
    spoken = [
        Speech(rule, effect, tuple(boxes_of(rule.when)))
        for rule in read_rules(rule_file(rows)) for effect in rule.effects
    ]  # fmt: skip
    said = {f.where for f in shadows(spoken) if f.code == "always-denied"}
    expected = set()
    for one in spoken:
        if one.effect.kind == "route":
            against = [o for o in spoken if o.effect.kind == "deny" and denies(o, one.effect.to[0], None)]
            if all(any(holds(o.rule.when, s) for o in against) for s in STATES if holds(one.rule.when, s)):
                expected.add(one.where)
    assert said == expected

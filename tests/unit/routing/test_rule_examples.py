"""A rule's own examples: read as words, kept or not kept, suggested where there are none."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from contracts.errors import InvalidInput
from routing.analysis.examples import can_be_silent, failures, suggested
from routing.analysis.explaining import speaks
from routing.analysis.given import read_pairs, seen_from
from routing.rule import Rule, Signature
from routing.rule_text import read_rules
from tests.support.pure_law import sample_law
from tests.support.rule_texts import rule_file

ROUTE = {"route": {"to": "SHA@{found_in}"}}
GOOD = {"match": [{"age": "child", "found_in": "TH"}], "not": [{"age": "adult"}]}


def rule(when: dict[str, Any], examples: Any = None, **more: Any) -> Rule:
    """One rule of a file."""
    extra = {"examples": examples} if examples is not None else {}
    return read_rules(rule_file([("R90", when, [ROUTE])], **extra, **more))[0]


def test_a_rule_that_keeps_to_its_examples_has_no_failure() -> None:
    """One on which it speaks and one on which it does not are enough."""
    assert failures([rule({"age": "child"}, GOOD)]) == ()


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        ({"match": [{"age": "adult"}], "not": [{"age": "adult"}]}, "is silent on facts on which it must speak"),
        ({"match": [{"age": "child"}], "not": [{"age": "child"}]}, "speaks (route) where it must be silent"),
        ({"not": [{"age": "adult"}]}, "has no example on which it must speak"),
        ({"match": [{"age": "child"}]}, "has no example on which it must be silent"),
    ],
)
def test_an_example_that_does_not_hold_or_is_missing_is_said(examples: dict[str, Any], says: str) -> None:
    """Each way to fail is a sentence of its own, with the rule's id and line."""
    (found,) = failures([rule({"age": "child"}, examples)])
    assert says in found.sentence
    assert found.where == "test.yaml:3"


def test_a_rule_for_everybody_needs_no_example_of_silence() -> None:
    """What always speaks cannot be silent, and nobody is asked for the impossible."""
    everybody = rule({}, {"match": [{"age": "child"}]})
    assert not can_be_silent(everybody)
    assert failures([everybody]) == ()


@pytest.mark.parametrize(
    "examples",
    [
        {"match": [{"aeg": "child"}]},
        {"match": [{"age": "kid"}]},
        {"match": [{"age": ["child", "adult"]}]},
        {"match": {"age": "child"}},
        {"matches": []},
        ["age"],
    ],
)
def test_an_example_in_other_words_is_refused_with_its_line(examples: Any) -> None:
    """A typing error in an example must not become an example that means nothing."""
    with pytest.raises(InvalidInput) as caught:
        rule({"age": "child"}, examples)
    assert caught.value.field == "test.yaml:3"
    assert caught.value.remedy


def test_half_a_signature_is_refused() -> None:
    """Who signed and when go together."""
    signed = rule({}, signed_by="A. Counsel", signed_on="2026-11-01").signed
    assert signed == Signature("A. Counsel", date(2026, 11, 1))
    with pytest.raises(InvalidInput, match="half a signature"):
        rule({}, signed_by="A. Counsel")


def test_facts_follow_from_facts_and_what_is_given_prevails() -> None:
    """A Lao found in Thailand is abroad and a foreigner without anybody saying so; a stated fact stands."""
    view = seen_from(read_pairs(["found_in=TH", "citizenship=LA", "exploitation=ForcedLabour,Surrogacy"]))
    assert (view["place"], view["foreigner"], view["actip_pair"]) == ("TH", "true", "true")
    assert view["exploitation"] == frozenset({"ForcedLabour", "Surrogacy"})
    assert seen_from(read_pairs(["found_in=TH", "citizenship=LA", "foreigner=false"]))["foreigner"] == "false"


@pytest.mark.parametrize("one", sample_law().rules, ids=lambda one: one.id)
def test_a_suggestion_holds_for_each_committed_rule(one: Rule) -> None:
    """What is suggested as a match makes the rule speak, and what is suggested against it keeps it silent."""
    speaking, silent = suggested(one)
    assert speaking is not None
    assert speaks(one, seen_from(speaking))
    assert (silent is not None) == can_be_silent(one)
    assert silent is None or not speaks(one, seen_from(silent))

"""The rules that come with Sampan: each keeps to its examples, and the page for paper says what they say."""

from __future__ import annotations

import pytest

from routing.analysis.examples import can_be_silent, failures
from routing.analysis.page import page
from routing.rule import Rule
from tests.support.pure_law import sample_law
from tests.support.repository import ROOT


def test_every_rule_keeps_to_its_examples() -> None:
    """Each speaks where it must and is silent where it must be."""
    assert [one.sentence for one in failures(sample_law().rules)] == []


@pytest.mark.parametrize("rule", sample_law().rules, ids=lambda rule: rule.id)
def test_every_rule_has_an_example_of_each_kind(rule: Rule) -> None:
    """One on which it speaks, and one on which it is silent where it can be."""
    assert any(one.speaks for one in rule.examples)
    assert any(not one.speaks for one in rule.examples) == can_be_silent(rule)


def test_the_page_for_paper_says_what_the_rules_say() -> None:
    """docs/rules.html is what `sampan rules page` writes; `make rules-page` mends it."""
    assert (ROOT / "docs" / "rules.html").read_text("utf-8") == page(sample_law())

"""Rules in words and in a picture."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree as ET

import pytest

from routing.analysis.explaining import explain
from routing.analysis.given import read_pairs, seen_from
from routing.analysis.picture import svg
from routing.analysis.words import (
    MARK_MEANS,
    condition_words,
    effect_words,
    mark_words,
    span_words,
    target_words,
)
from routing.rule import Rule
from tests.support.pure_law import sample_law

DAY = date(2026, 11, 24)
LAO_IN_THAILAND = ["found_in=TH", "citizenship=LA", "identified=true"]


@pytest.mark.parametrize("rule", sample_law().rules, ids=lambda rule: rule.id)
def test_every_effect_of_every_rule_has_words(rule: Rule) -> None:
    """Each effect is a whole sentence, without a template's braces, and each mark has its meaning."""
    for effect in rule.effects:
        said = effect_words(effect)
        assert said[0].isupper()
        assert said.endswith(".")
        assert "{" not in said
    assert "{" not in condition_words(rule.when)
    assert MARK_MEANS[rule.mark[0]] in mark_words(rule.mark)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("RFP@{origin}", "return focal point of her origin"),
        ("CON.{origin}@*", "consulate of her origin, wherever it is posted"),
        ("CON.PH@{found_in}", "consulate of PH, posted where she was found"),
        ("IDA@SG/police", "identification authority (police) in SG"),
        ("any@CN", "every agency of the side of CN"),
        ("*", "everybody"),
        ("owner", "the owner of the case"),
    ],
)
def test_a_target_is_said_in_words(target: str, words: str) -> None:
    """Roles, places and relations are spelt out."""
    assert target_words(target) == words


def test_spans_are_said_in_words() -> None:
    """One day and several, working days and months."""
    assert [span_words(s) for s in ("1d", "15d", "3wd", "3mo")] == ["1 day", "15 days", "3 working days", "3 months"]


def test_who_speaks_says_why_and_who_is_silent_says_which_test_failed() -> None:
    """An objection makes the notice rule silent and the objection's own rule speak, each with its reason."""
    view = seen_from(read_pairs([*LAO_IN_THAILAND, "notify_origin=objection"]))
    said = explain(sample_law().rules, view, DAY)
    speaking = {one.rule.id: one for one in said.speaking}
    assert [effect.kind for effect in speaking["R22"].effects] == ["deny"]
    silent = {one.rule.id: one.why for one in said.silent}
    assert "notify origin" in silent["R21"]
    assert "it is objection" in silent["R21"]


def test_a_rule_out_of_force_or_unconfirmed_says_so() -> None:
    """Dates and confirmation come before conditions."""
    view = seen_from(read_pairs(["found_in=TH", "event=ReflectionRequested"]))
    silent = {one.rule.id: one.why for one in explain(sample_law().rules, view, DAY, every_theme=True).silent}
    assert silent["R09"] == "it waits to be confirmed"
    early = explain(sample_law().rules, view, date(2019, 1, 1), every_theme=True)
    assert not early.speaking
    assert all("not in force" in one.why or "confirmed" in one.why for one in early.silent)


def test_the_picture_is_whole_and_names_facts_rules_and_effects() -> None:
    """It is well-formed, loads nothing from elsewhere, and what a title holds cannot become markup."""
    said = explain(sample_law().rules, seen_from(read_pairs(LAO_IN_THAILAND)), DAY)
    drawn = svg(said, "<script>alert(1)</script>")
    root = ET.fromstring(drawn)  # noqa: S314 -- our own text
    words = " ".join(node.text or "" for node in root.iter())
    assert "found in: TH" in words
    assert all(one.rule.id in words for one in said.speaking)
    assert "<script" not in drawn
    assert "href" not in drawn

"""Receipts decide again to the same bytes; sentences say who, what and why."""

from __future__ import annotations

from uuid import UUID

import pytest

from contracts.errors import Conflict
from routing.explain import sentences
from routing.law import Law, sample_rules
from routing.receipt import re_evaluate, read_inner, receipt_of
from tests.support.region import region_directory
from tests.support.routing_play import HELP, Play

POSSIBLE = {"found_in": "TH", "citizenship": ["LA"], "trafficking_status": "PossibleVictimOfTrafficking"}


def told_once() -> tuple[Play, bytes | None]:
    """A story of two records, and the state before the second."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    before = play.state
    play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2"))
    return play, before


def test_a_receipt_re_evaluates_to_the_same_bytes() -> None:
    """From the inner bytes and the same law alone."""
    play, before = told_once()
    _, inner = receipt_of(before, play.records[-1], play.steps[-1])
    again = read_inner(inner)
    assert re_evaluate(again, play.law) == again.decision


def test_another_law_is_refused_rather_than_compared() -> None:
    """One changed byte of a rule file is another law."""
    play, before = told_once()
    _, inner = receipt_of(before, play.records[-1], play.steps[-1])
    texts = sample_rules()
    texts["01-consent.yaml"] += "\n# changed\n"
    with pytest.raises(Conflict):
        re_evaluate(read_inner(inner), Law.load(texts, region_directory()))


def test_the_outer_part_tells_nothing_of_the_case() -> None:
    """No event name, agency, country or fact stands in clear."""
    play, before = told_once()
    outer, _ = receipt_of(before, play.records[-1], play.steps[-1])
    text = repr(outer)
    assert all(word not in text for word in ("Indicator", "ngo", "TH", "LA", "SHELTER", "F1"))
    assert all(isinstance(one, UUID) for one in outer.dispatch_ids)


def test_sentences_name_role_groups_purpose_basis_and_rule() -> None:
    """A caseworker reads why shelter was told, with the confidence mark."""
    play, _ = told_once()
    line = next(s for s in sentences(play.steps[-1].decision, play.law) if s.startswith("Told SHA@TH"))
    assert "F0, F1 and F2, for SHELTER, on her consent" in line
    assert "R07 (S/A)" in line

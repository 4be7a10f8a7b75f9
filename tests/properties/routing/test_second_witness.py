"""The engine and a plain second witness agree about whoever is told, held and denied, for rules nobody chose."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest

from tests.support.random_laws import random_law, random_record
from tests.support.routing_play import Play
from tests.support.second_witness import Verdict, Witness

LAWS = int(os.environ.get("SAMPAN_LAWS", "60"))
RECORDS_EACH = 40
PARTS = 4
"""Parts of the work, so that several workers share it."""


@pytest.mark.parametrize("part", range(PARTS))
def test_the_second_witness_agrees_on_random_rules_facts_and_dates(part: int) -> None:
    """Told, held and denied are the same, with purpose, basis, groups and what is asked for."""
    chance = random.Random(f"{os.environ.get('SEED', '7')}/{part}")
    told = compared = 0
    for _ in range(LAWS // PARTS):
        law = random_law(chance)
        for number in range(RECORDS_EACH):
            play, record = random_record(chance, law, number)
            said = _engine(play)
            plain = Witness(law.rules, law.directory.agencies, record).verdicts()
            assert said == {slug: _row(one) for slug, one in plain.items()}, (part, record)
            compared += len(said)
            told += sum(1 for one in said.values() if one[0] == "told")
    assert told > LAWS // PARTS, "the examples tell nobody: they would agree about anything"
    assert compared > 2 * told, "the examples hold and deny too little"


def _row(verdict: Verdict) -> tuple[Any, ...]:
    if verdict.outcome == "told":
        return "told", verdict.purpose, verdict.basis, verdict.groups
    return (verdict.outcome, frozenset(verdict.asks)) if verdict.outcome == "held" else (verdict.outcome,)


def _engine(play: Play) -> dict[str, tuple[Any, ...]]:
    """By agency. One reason may be denied while another waits: then it waits."""
    decision = play.steps[-1].decision
    said: dict[str, tuple[Any, ...]] = {d.recipient: ("denied",) for d in decision.denied if d.recipient}
    said |= {h.recipient: ("held", frozenset(h.asks)) for h in decision.held if h.recipient}
    return said | {
        d.recipient: ("told", d.purpose, d.basis if d.purpose != "FEEDBACK" else "", frozenset(d.groups))
        for d in decision.dispatches
    }

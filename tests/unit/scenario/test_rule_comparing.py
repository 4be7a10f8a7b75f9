"""Two laws over one history: what differs, and that nothing else is said to."""

from __future__ import annotations

import asyncio
from datetime import date
from functools import cache

import pytest
from msgspec.structs import replace

from contracts.decision import Denied
from routing.analysis.comparing import WIDENING, Change, Comparison, changes
from routing.law import Law, sample_rules
from routing.step import run as step_of
from services.scenario.histories import History, histories, read_story, story_files
from tests.support.pure_law import sample_law
from tests.support.region import region_directory

DAY = date(2026, 11, 24)


@cache
def played(part: str) -> tuple[History, ...]:
    """The histories of the bundled stories whose file name holds ``part``."""
    files = [path for path in story_files() if part in path.name]
    return tuple(asyncio.run(histories([read_story(path) for path in files], sample_law())))


def compared(new: Law, part: str) -> list[Change]:
    """What a law would change in these stories."""
    both = Comparison(sample_law(), new)
    for history in played(part):
        both.begin_anew()
        for one in history.taken:
            both.take(one.record, one.state, one.kin)
    return both.found


@pytest.mark.parametrize("part", ["01-", "07-", "turns-eighteen"])
def test_a_law_differs_from_itself_in_nothing(part: str) -> None:
    """Histories folded from their first record give what the stories gave; two equal laws agree throughout."""
    both = Comparison(sample_law(), sample_law())
    for history in played(part):
        both.begin_anew()
        assert [both.take(one.record, one.state, one.kin) for one in history.taken] == [[]] * len(history.taken)
    assert both.records == sum(len(history.taken) for history in played(part))


def test_without_a_denial_the_origin_would_newly_be_told() -> None:
    """Without the denial of R22 her own focal point hears of her while she objects: who, what, and it is widening."""
    (told,) = [one for one in compared(sample_law().without("R22/0"), "two-passports") if one.kind == "told"]
    assert told.who == "RFP@TH"
    assert "F1" in told.what
    assert told.kind in WIDENING


def test_without_a_grant_a_recipient_may_open_less() -> None:
    """Without the grant of R41 a shelter no longer sees the pregnancy; nobody is told less than before otherwise."""
    less = [one for one in compared(sample_law().without("R41/2"), "05-") if one.kind == "opens-less"]
    assert {(one.who, one.what) for one in less} == {("SHA@TH", "F6")}


def test_a_new_route_newly_tells_and_the_other_way_round_no_longer() -> None:
    """Old and new changed places: who was newly told is no longer told."""
    without = sample_law().without("R33/1")
    ahead = [(one.who, one.kind) for one in compared(without, "07-") if one.who == "CRO@TH" and "told" in one.kind]
    assert ahead == [("CRO@TH", "no-longer-told")]


def test_a_law_standing_on_a_day_forgets_dates_and_keeps_what_is_in_force() -> None:
    """Records from before a rule began are decided by it, where the question is what it would do."""
    dated = ("valid_from: 2020-01-01", "valid_from: 2026-11-20")
    texts = {name: text.replace(*dated) for name, text in sample_rules().items()}
    later = Law.load(texts, region_directory())
    assert {r.id for r in later.standing_on(DAY).rules} == {r.id for r in sample_law().rules if r.confirmed}
    assert later.standing_on(date(2026, 11, 19)).rules == ()
    assert any(compared(later, "01-"))
    assert not compared(later.standing_on(DAY), "01-")


def test_a_denial_that_names_no_rule_is_told_like_any_other() -> None:
    """An answer to what was never sent is denied by no rule; a law under which that is new can be compared."""
    record = next(one.record for history in played("01-") for one in history.taken)
    decision = step_of(None, record, sample_law()).decision
    denied = Denied(event=decision.event, event_id=decision.event_id)
    newly = changes(replace(decision, denied=()), replace(decision, denied=(denied,)))
    assert [(one.kind, one.who, one.rules) for one in newly] == [("denied", "the event", ())]

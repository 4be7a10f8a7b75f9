"""Reading scenario files: what is accepted, and what a lawyer hears about a slip."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from services.scenario.errors import ScenarioError
from services.scenario.model import Answer, Emit, Fault, Open, Reserved, Review
from services.scenario.parse import parse_scenario

SCENARIOS = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))

BASE = """\
scenario: short
title: A title
clock: 2026-03-02T09:00+07:00
people:
  noy: {is: subject, born: 2001-08-14, citizenship: [LA]}
  cousin: {is: companion, of: [noy]}
steps:
- id: first
  emit: ReferralSent
  by: NGO-H@TH
  about: noy
  to: SHA@TH
  seal: [F1, F2]
- id: second
  at: 2d
  answer: accept
  by: SHA@TH
  to: first
"""

GROWING = "a: &a0 [x, x, x, x, x, x]\n" + "".join(
    f"b{i}: &a{i + 1} [*a{i}, *a{i}, *a{i}, *a{i}, *a{i}, *a{i}]\n" for i in range(9)
)


def refusal(text: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "case.yaml")
    return caught.value


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_every_bundled_file_is_read(path: Path) -> None:
    """All files of tests/scenarios are of the format."""
    scenario = parse_scenario(path.read_text("utf-8"), path.name)
    assert scenario.steps
    assert scenario.slug in path.stem


def test_steps_people_and_clock_are_read_as_written() -> None:
    """A file's people, steps and instants arrive as values."""
    scenario = parse_scenario(BASE, "case.yaml")
    assert scenario.people["noy"].born == date(2001, 8, 14)
    assert scenario.people["noy"].citizenship == ("LA",)
    first, second = scenario.steps
    assert isinstance(first.action, Emit)
    assert first.action.about == ("noy",)
    assert first.action.seal == {"noy": {"F1": None, "F2": None}}
    assert second.at == datetime.fromisoformat("2026-03-04T09:00+07:00")
    assert second.action == Answer("accept", "first")


@pytest.mark.parametrize(
    ("wrong", "line", "near"),
    [
        (BASE.replace("title:", "titel:"), 2, "'title'"),
        (BASE.replace("born:", "bron:"), 5, "'born'"),
        (BASE.replace("  about:", "  abaut:"), 11, "'about'"),
        (BASE.replace("is: subject", "is: subjekt"), 5, "'subject'"),
        (BASE.replace("answer: accept", "answer: acept"), 16, "'accept'"),
        (BASE + "  expect:\n  - tolld: {who: SHA@TH}\n", 20, "'told'"),
        (BASE + "  expect:\n  - told: {who: SHA@TH, wiht: [F1]}\n", 20, "'with'"),
        (BASE + "  expect:\n  - state: {of: first, is: acepted}\n", 20, "'accepted'"),
        (BASE + "  expect:\n  - fired: {event: DeadlineMised}\n", 20, "'DeadlineMissed'"),
        (BASE + "  expect:\n  - told: {who: SHA@TH, exactly: [F14]}\n", 20, "'F1"),
        (BASE + "  outcom: denied\n", 19, "'outcome'"),
        (BASE + "  expect:\n  - not_told: {who: any@LA, until: frist}\n", 20, "'first'"),
        (BASE + "finaly:\n- not_told: {who: any@LA}\n", 19, "'finally'"),
        (BASE + "variants:\n  other: {unsett: noy.born}\n", 20, "'unset'"),
        (BASE + "variants:\n  other: {without: [secnd]}\n", 20, "'second'"),
        (BASE + "variants: {other: {}}\nfinally:\n- same: {for: all, as: othr}\n", 21, "'other'"),
        (BASE.replace("seal: [F1, F2]", "facts: {fuond_in: TH}"), 13, "'found_in'"),
        (BASE.replace("seal: [F1, F2]", "consent: {purpose: [SHELTER]}"), 13, "'purposes'"),
        (BASE.replace("seal: [F1, F2]", "seal: {noy: {F1: {given_nam: x}}}"), 13, "'given_name'"),
        (BASE.replace("seal: [F1, F2]", "purpose: SHELTR"), 13, "'SHELTER'"),
    ],
)
def test_a_misspelt_word_names_file_line_and_the_nearest_known_one(wrong: str, line: int, near: str) -> None:
    """Any key or value outside the format is an error of file and line that names the nearest known word."""
    error = refusal(wrong)
    assert error.field is not None
    assert error.field.startswith("case.yaml:")
    assert near in error.message
    assert error.line == line, error.sentence()


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("", "empty"),
        ("scenario: [", "not YAML"),
        (BASE.replace("clock: 2026-03-02T09:00+07:00\n", ""), "needs 'clock'"),
        (BASE.replace("+07:00", ""), "no offset"),
        (BASE.replace("at: 2d", "at: soon"), "cannot be read"),
        (BASE.replace("id: second", "id: first"), "stands twice"),
        (BASE.replace("title: A title", "title: A title\ntitle: again"), "stands twice"),
        (BASE.replace("by: NGO-H@TH", "by: shelter-th"), "not an address"),
        (BASE.replace("by: NGO-H@TH", "by: NGO-X@TH"), "unknown role"),
        (BASE.replace("  to: first", "  to: later") + "- {id: later}\n", "no step"),
        (BASE.replace("  emit: Ref", "  open: [F1]\n  emit: Ref"), "two things"),
        (BASE + "- {id: back, at: 1d}\n", "before the step above"),
        (BASE.replace("born: 2001-08-14", "age: 200"), "between 0 and 120"),
        (BASE.replace("[LA]", "[XX]"), "no value of 'citizenship'"),
        (BASE.replace("is: companion, of: [noy]", "is: companion, of: [noi]"), "no value of 'of'"),
        (BASE.replace("seal: [F1, F2]", "facts: {found_in: Thailand}"), "found_in"),
        (BASE + "- {id: cut, fault: {channel_up: SHA@TH, channel_down: SHA@TH}}\n", "needs one of channel_down"),
        (BASE + "- {id: cut, fault: {channel_dwn: SHA@TH}}\n", "channel_down"),
        (BASE + "- {id: r, review: release, by: CPA@TH, of: first, limit: [F1, soon]}\n", "'limit' of step 'r'"),
        (BASE + "finally:\n- rules: {fired: [21]}\n", "no rule id"),
        (BASE + "finally:\n- told: {with: [F1]}\n", "needs who"),
        (BASE + "finally:\n- told: {who: []}\n", "needs who"),
        (BASE + "finally:\n- not_told: {who: }\n", "needs who"),
        (BASE + "finally:\n- rules: {fired: []}\n", "needs fired or not_fired"),
        (BASE + "finally:\n- state: {of: first, groups: [F1]}\n", "needs is or facts"),
        (BASE + "finally:\n- told: {who: [[SHA@TH]]}\n", "one word or text"),
        (BASE + "variants:\n  x: {set: {nobody.born: 2001-01-01}}\n", "names no person and no step"),
        (GROWING, "repeats or nests"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(wrong: str, what: str) -> None:
    """Each slip has a sentence of its own, with the line."""
    error = refusal(wrong)
    assert what in error.message
    assert error.line >= 1
    assert error.remedy


def test_norway_and_the_time_of_day_stay_what_they_are() -> None:
    """YAML's own readings (NO is false, 19:00 is 1140) do not reach a case."""
    scenario = parse_scenario(
        BASE.replace("[LA]", "[NO]").replace("title: A title", "title: 19:00"), "case.yaml"
    )
    assert scenario.people["noy"].citizenship == ("NO",)
    assert scenario.title == "19:00"


def test_all_actions_of_the_format_are_read() -> None:
    """Answers, reviews, openings, faults and the reserved words all parse."""
    more = """\
- {id: phone, answer: decline, by: SHA@TH, to: first, code: full, reason: no bed,
   reported: {by: NGO-H@TH, how: phone, person: the night guard}}
- {id: desk, review: refuse, by: CPA@TH, of: first, reason: unclear, second: SHA@TH, limit: F1}
- {id: look, open: [F1], by: SHA@TH, of: first, outcome: denied}
- {id: cut, fault: {channel_down: SHA@TH}}
- {id: later, submit: case.xlsx, by: NGO-H@TH}
- {id: rules-change, change: {rules: [R21]}}
- {id: pause, at: 30d}
"""
    actions = [step.action for step in parse_scenario(BASE + more, "case.yaml").steps[2:]]
    assert isinstance(actions[0], Answer)
    assert actions[0].reported is not None
    assert actions[0].reported.how == "phone"
    assert actions[1] == Review("refuse", "first", "unclear", "SHA@TH", "F1")
    assert actions[2] == Open(("F1",), "first")
    assert actions[3] == Fault(True, ("SHA@TH",))
    assert actions[4:] == [Reserved("submit"), Reserved("change"), None]


def test_a_variant_changes_people_and_steps_and_keeps_the_instants_below() -> None:
    """Leaving a step out does not move the steps whose instant it gave."""
    text = BASE + (
        "- {id: third, emit: ReferralSent, by: NGO-H@TH, about: noy, to: MED@TH}\n"
        "variants:\n  other:\n    without: second\n"
        "    set: {noy.citizenship: [KH], first.facts.found_in: TH}\n"
        "    unset: noy.born\n    then: [{id: end, at: 9d, expect: [{not_told: {who: any@KH}}]}]\n"
    )
    variant = parse_scenario(text, "case.yaml").variants["other"]
    assert [step.id for step in variant.steps] == ["first", "third", "end"]
    assert variant.steps[1].at == datetime.fromisoformat("2026-03-04T09:00+07:00")
    assert variant.people["noy"].citizenship == ("KH",)
    assert variant.people["noy"].born is None
    first = variant.steps[0].action
    assert isinstance(first, Emit)
    assert first.facts.found_in == "TH"
    assert variant.steps[0].expect == ()
    assert len(variant.steps[2].expect) == 1


def test_an_event_about_no_person_is_about_nobody() -> None:
    """Where the file has one subject, an event without *about* is about her; one that counts is not."""
    more = (
        "- {id: campaign, emit: CampaignHeld, by: NGO-H@TH}\n"
        "- {id: found, emit: IndicatorFound, by: NGO-H@TH}\n"
    )
    campaign, found = (step.action for step in parse_scenario(BASE + more, "case.yaml").steps[2:])
    assert isinstance(campaign, Emit)
    assert isinstance(found, Emit)
    assert (campaign.about, found.about) == ((), ("noy",))

"""From people to events: facts, groups, cases."""

from __future__ import annotations

from datetime import date

from services.scenario.canaries import MARK, planted_in, values_for
from services.scenario.model import Emit
from services.scenario.parse import parse_scenario
from services.scenario.parse_steps import SEALABLE
from services.scenario.people import Cast

FILE = """\
scenario: people
title: People
clock: 2026-03-01T09:00+07:00
people:
  aye: {is: subject, born: 2008-02-29, citizenship: undetermined, claims_citizenship: [KH],
    ethnicity: Vietnamese}
  sister: {is: subject, age: 17}
  other: {is: subject, age: in_doubt}
  baby: {is: subject, child_of: aye, born_in_step: birth}
  uncle: {is: companion, of: [sister], suspected: true}
steps:
- {id: found, emit: PersonIntercepted, by: IMM@LA, about: [aye, sister], seal: [F1, F3]}
- {id: birth, at: 10d, emit: BabyBorn, by: MED@LA, about: [baby, aye], seal: {baby: [F1]}}
- {id: alone, at: 20d, emit: PersonIntercepted, by: IMM@LA, about: other, facts: {age: child}}
"""
SCENARIO = parse_scenario(FILE, "people.yaml")


def cast() -> Cast:
    return Cast(SCENARIO.people, SCENARIO.steps, SCENARIO.clock)


def emit(number: int) -> Emit:
    action = SCENARIO.steps[number].action
    assert isinstance(action, Emit)
    return action


def test_what_is_known_of_a_person_is_stated_until_it_was_accepted() -> None:
    """A denied event folds nothing, so the person's facts are said again until an event was accepted."""
    people = cast()
    first = people.entries(emit(0))[0].facts
    assert (first.citizenship, first.claims_citizenship) == ("undetermined", ["KH"])
    assert people.entries(emit(0))[0].facts.citizenship == "undetermined"
    people.accepted(emit(0))
    assert people.entries(emit(0))[0].facts.citizenship is None


def test_ages_become_the_day_of_the_eighteenth_birthday() -> None:
    """Born on 29 February: a child a day longer. An age in years turns on the clock's day of the year."""
    aye, sister = cast().entries(emit(0))
    assert aye.facts.child_until == date(2026, 3, 1)
    assert sister.facts.child_until == date(2027, 3, 1)


def test_an_age_that_the_event_states_wins() -> None:
    """The event's own word about age is not mixed with what is known of the person."""
    (other,) = cast().entries(emit(2))
    assert other.facts.age == "child"
    assert other.facts.child_until is None


def test_a_suspected_companion_makes_the_family_suspected() -> None:
    """R31 must see it even where the file states it of the companion alone."""
    aye, sister = cast().entries(emit(0))
    assert sister.facts.family_suspected is True
    assert aye.facts.family_suspected is None


def test_those_who_appear_together_share_a_case_and_a_baby_has_its_own() -> None:
    """Mothers come before their babies, and a baby's case is not its mother's."""
    people = cast()
    found = {entry.person: entry.case for number in range(3) for entry in people.entries(emit(number))}
    assert found["aye"] == found["sister"]
    assert len({found["aye"], found["baby"], found["other"]}) == 3
    assert [entry.person for entry in people.entries(emit(1))] == ["aye", "baby"]
    assert people.entries(emit(1))[1].groups["F1"]["birth_date"] == "2026-03-11"


def test_every_group_can_be_filled_with_values_that_can_be_found_again() -> None:
    """Each sealable group gets marked texts; ethnicity is in F1 and in no fact."""
    aye = SCENARIO.people["aye"]
    for group in SEALABLE:
        planted = planted_in(values_for(aye, group, None), group)
        assert planted
        assert all(MARK in value for value in planted)
    assert values_for(aye, "F1", None)["ethnicity"] == "Vietnamese"
    assert "Vietnamese" not in str(cast().entries(emit(0))[0].facts)


def test_merging_does_not_make_one_case_of_two_before_it_happens_nor_without_a_word() -> None:
    """Who appears together for the first time where cases are merged did not share one; the step says it cannot be."""
    text = FILE + (
        "- {id: merged, at: 30d, emit: CasesMerged, by: IMM@LA, about: [sister, other]}\n"
        "- {id: split, at: 31d, emit: CaseSplit, by: IMM@LA, about: sister}\n"
        "- {id: apart, at: 32d, emit: CaseSplit, by: IMM@LA, about: other}\n"
    )
    scenario = parse_scenario(text, "people.yaml")
    people = Cast(scenario.people, scenario.steps, scenario.clock)
    actions = {step.id: step.action for step in scenario.steps if isinstance(step.action, Emit)}
    assert len({entry.case for entry in people.entries(actions["merged"])}) == 2
    assert "does not make one of two" in people.cannot_rearrange(actions["merged"])
    assert "does not make two of one" in people.cannot_rearrange(actions["split"])
    assert people.cannot_rearrange(actions["apart"]) == ""

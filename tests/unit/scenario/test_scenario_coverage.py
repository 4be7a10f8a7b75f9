"""Which rules the stories hold."""

from __future__ import annotations

from datetime import UTC, datetime

from routing.law import Law
from services.scenario.coverage import Coverage, coverage
from services.scenario.parse import parse_scenario
from tests.support.region import region_directory

RULES = """\
defaults: {valid_from: 2020-01-01, recorded_at: 2020-01-01}
rules:
- {id: R90, title: One, cite: A, mark: A, when: {found_in: TH}, then: [{route: {to: "SHA@{found_in}", basis: statute}}]}
- {id: R91, title: Two, cite: A, mark: A, when: {found_in: TH}, then: [{route: {to: "MED@{found_in}", basis: statute}},
   {withhold: {to: "MED@*", groups: [F9]}}]}
- {id: R92, title: Three, cite: A, mark: A, then: [{cite: {why: the engine}}]}
"""
STORY = """\
scenario: one
clock: 2026-03-02T09:00+07:00
people: {noy: {is: subject}}
steps:
- id: first
  emit: CaseOpened
  by: NGO-H@TH
  facts: {found_in: TH}
  expect:
  - told: {who: SHA@TH, rules: [R90]}
  - rules: {fired: [R91]}
"""


async def covered(story: str) -> dict[str, Coverage]:
    """Coverage by effect of these rules, by one story."""
    law = Law.load({"test.yaml": RULES}, region_directory())
    return {one.key: one for one in await coverage([parse_scenario(story, "one.yaml")], law)}


async def test_an_effect_is_held_by_the_story_that_fails_without_it() -> None:
    """Being cited is not being held: without R91 nobody whom the story names is told less."""
    found = await covered(STORY)
    assert found["R90/0"].held_by == ("one",)
    assert found["R91/0"].spoke_in == ("one",)
    assert found["R91/0"].held_by == found["R91/1"].held_by == ()
    assert [key for key, one in found.items() if one.is_engine] == ["R92/0"]


async def test_a_story_that_does_not_hold_covers_nothing() -> None:
    """What fails with the rule says nothing about the rule."""
    found = await covered(STORY.replace("who: SHA@TH", "who: LEG@TH"))
    assert not any(one.spoke_in or one.held_by for one in found.values())


def test_a_law_without_a_rule_is_another_law() -> None:
    """It has another hash, so that no receipt takes one for the other; the others keep their effects."""
    law = Law.load({"test.yaml": RULES}, region_directory())
    at = datetime(2026, 3, 2, tzinfo=UTC)
    assert [rule.id for rule in law.without("R90").in_force(at).rules] == ["R91", "R92"]
    (lighter,) = [rule for rule in law.without("R91/1").in_force(at).rules if rule.id == "R91"]
    assert [effect.kind for effect in lighter.effects] == ["route"]
    assert law.without("R90").rule_set_hash != law.without("R91").rule_set_hash != law.rule_set_hash

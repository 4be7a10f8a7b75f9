"""Every rule has a story that fails without it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.scenario.coverage import first_story
from services.scenario.parse import parse_scenario
from tests.support.pure_law import sample_law

SAID_BY_OTHERS: Final = {
    "R02": "the engine stops what was withdrawn",
    "R04": "the engine grants by routing/purposes.yaml",
    "R05": "the engine holds what no consent names",
    "R12": "R07 names the same desk; Laos has no other",
    "R28": "R27 asks the same; that ethnicity routes nothing is shown by a variant of it",
    "R59": "R01 holds it first, as long as no rule routes to the police on another basis",
    "R60": "the engine lets any denial win",
}
"""Rules that stand to be cited: without them the same happens, and why."""


async def test_without_any_one_rule_a_story_fails() -> None:
    """Take a rule out and somebody in a story is told more or less than she should be."""
    files = sorted(Path(__file__).parent.glob("*.yaml"))
    stories = [parse_scenario(path.read_text("utf-8"), path.name) for path in files]
    found = await first_story(stories, sample_law())
    assert {rule for rule, story in found.items() if story is None} == set(SAID_BY_OTHERS)

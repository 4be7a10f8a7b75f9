"""``sampan rules widens``: one person or two."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.rule_texts import rule_file
from tests.support.rules_command import run_rules, write_rules

ROUTE = ("R10", {"found_in": "TH"}, [{"route": {"to": "MED@TH", "basis": "statute"}}])
DENY = ("R11", {}, [{"deny": {"to": "any@LA"}}])


def test_a_denial_added_needs_one_person_and_taken_away_a_second(tmp_path: Path) -> None:
    """The exit code says so to a program, the sentence to a person, and the finding names the line."""
    less = write_rules(tmp_path / "less", rule_file([ROUTE]))
    more = write_rules(tmp_path / "more", rule_file([ROUTE, DENY]))
    added = run_rules("widens", less, more, "--json")
    assert added.exit_code == 0, added.output
    assert not json.loads(added.stdout)["needs_second_person"]
    gone = run_rules("widens", more, less, "--json")
    assert gone.exit_code == 1
    assert [one["where"] for one in json.loads(gone.stdout)["widens"]] == ["test.yaml:4"]


def test_a_signature_alone_needs_a_second_person(tmp_path: Path) -> None:
    """The wording is the same; on a live instance the rule now tells."""
    unsigned = write_rules(tmp_path / "unsigned", rule_file([ROUTE]))
    signed = write_rules(tmp_path / "signed", rule_file([ROUTE]))
    assert run_rules("sign", "R10", "--rules", signed, "--counsel", "A. Invented").exit_code == 0
    assert run_rules("widens", unsigned, signed).exit_code == 1
    assert run_rules("widens", unsigned, unsigned).exit_code == 0


def test_a_change_that_cannot_be_loaded_is_refused_with_its_line(tmp_path: Path) -> None:
    """Nothing is judged of rules that could silently match too much."""
    good = write_rules(tmp_path / "good", rule_file([ROUTE]))
    bad = write_rules(tmp_path / "bad", rule_file([("R10", {"fuond_in": "TH"}, ROUTE[2])]))
    refused = run_rules("widens", good, bad, "--json")
    assert refused.exit_code == 1
    assert "test.yaml:3" in refused.output

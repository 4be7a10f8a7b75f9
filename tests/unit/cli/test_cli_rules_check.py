"""``sampan rules check`` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.rule_texts import rule_file
from tests.support.rules_command import run_rules, write_rules

ROUTE = {"route": {"to": "SHA@{found_in}"}}


def test_the_committed_rules_pass() -> None:
    """Sampan's own rules end with exit code 0 and a count."""
    done = run_rules("check")
    assert done.exit_code == 0, done.output
    assert "0 errors" in done.output


def test_an_error_gives_place_sentence_mend_and_exit_code_1(tmp_path: Path) -> None:
    """A rule that can never speak is named with file and line, and fails the command."""
    rows = [("R90", {"age": "child"}, [{**ROUTE, "when": {"age": "adult"}}])]
    folder = write_rules(tmp_path / "rules", rule_file(rows))
    done = run_rules("check", folder, "--json")
    assert done.exit_code == 1
    assert [(one["code"], one["where"]) for one in json.loads(done.output) if one["severity"] == "error"] == [
        ("impossible", "test.yaml:3")
    ]
    assert "test.yaml:3" in run_rules("check", folder).output


def test_what_cannot_be_loaded_is_one_error_with_its_line(tmp_path: Path) -> None:
    """An unknown value ends the check at that line, with the nearest word."""
    folder = write_rules(tmp_path / "rules", rule_file([("R90", {"age": "kid"}, [ROUTE])]))
    done = run_rules("check", folder, "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)[0]["where"] == "test.yaml:3"


def test_a_folder_without_rules_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """A wrong folder names the remedy and shows no traceback."""
    done = run_rules("check", str(tmp_path))
    assert done.exit_code == 1
    assert "no rule files" in done.output
    assert "Traceback" not in done.output

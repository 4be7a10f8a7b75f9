"""``sampan rules explain`` and ``test`` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.scenario.histories import story_files
from tests.support.rule_texts import rule_file
from tests.support.rules_command import run_rules, write_rules

STORY = next(str(path) for path in story_files() if path.name.startswith("07-"))


def test_facts_are_explained_with_mark_citation_and_picture(tmp_path: Path) -> None:
    """The tree names rule, mark and source; the picture lands in the file that was named."""
    picture = tmp_path / "why.svg"
    done = run_rules("explain", "found_in=TH", "notify_origin=objection", "--picture", str(picture))
    assert done.exit_code == 0, done.output
    assert "R22 (S)" in done.output
    assert "ACTIP 14(3)" in done.output
    assert picture.read_text("utf-8").startswith("<svg")


def test_a_file_of_facts_says_the_same_as_pairs(tmp_path: Path) -> None:
    """YAML and JSON hold facts in the same words."""
    by_pairs = json.loads(run_rules("explain", "found_in=TH", "detained=immigration", "--json").output)
    as_json = '{"found_in": "TH", "detained": "immigration"}'
    for name, written in (("a.yaml", "found_in: TH\ndetained: immigration\n"), ("b.json", as_json)):
        (tmp_path / name).write_text(written, "utf-8")
        assert json.loads(run_rules("explain", str(tmp_path / name), "--json").output) == by_pairs


def test_an_event_of_a_story_is_explained_person_by_person() -> None:
    """The birth concerns mother and baby: each is explained, with what was concluded."""
    done = run_rules("explain", f"{STORY}#birth", "--json")
    assert done.exit_code == 0, done.output
    mother, baby = json.loads(done.output)
    assert "baby" not in mother["facts"]
    assert baby["facts"]["baby"] == "true"
    assert any("CRO@TH" in sentence for sentence in baby["concluded"])


@pytest.mark.parametrize(
    "wrong",
    ["found_inn=TH", "found_in=Thailand", "found_in=TH,LA", "=TH", "nowhere.yaml", f"{STORY}#no-such-step"],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(wrong: str) -> None:
    """A slip gives a remedy and no traceback."""
    done = run_rules("explain", wrong, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout.splitlines()[0])["problem"]["title"]
    assert "Traceback" not in done.output


def test_examples_that_fail_end_with_exit_code_1(tmp_path: Path) -> None:
    """A rule that breaks its own example fails the command and is named with its line."""
    route = {"route": {"to": "SHA@{found_in}"}}
    for kind, code in (("child", 0), ("adult", 1)):
        examples = {"match": [{"age": kind}], "not": [{"age": "in_doubt"}]}
        rows = [("R90", {"age": "child"}, [route])]
        folder = write_rules(tmp_path / kind, rule_file(rows, examples=examples))
        done = run_rules("test", folder, "--json")
        assert done.exit_code == code, done.output
        assert [one["where"] for one in json.loads(done.output)["failures"]] == ["test.yaml:3"] * code

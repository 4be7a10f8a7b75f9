"""``sampan rules diff``, ``coverage`` and ``page`` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

from routing.analysis.page import page
from routing.law import sample_rules
from services.scenario.histories import story_files
from tests.support.pure_law import sample_law
from tests.support.rules_command import run_rules, write_rules

TWO_PASSPORTS = next(str(path) for path in story_files() if path.stem == "two-passports")


def test_equal_rules_change_nothing_and_a_lifted_denial_names_who_and_asks_for_a_reader(tmp_path: Path) -> None:
    """The objecting woman's ministry would newly be told; a second reader is asked for; equal folders say so."""
    old = write_rules(tmp_path / "old", sample_rules())
    denial = '- deny: {to: "any@{origin_abroad}"}'
    texts = {name: text.replace(denial, "- cite: {why: nothing}", 1) for name, text in sample_rules().items()}
    new = write_rules(tmp_path / "new", texts)
    same = run_rules("diff", old, old, "--history", TWO_PASSPORTS)
    assert same.exit_code == 0, same.output
    assert "nobody is told more or less" in same.output
    done = json.loads(run_rules("diff", old, new, "--history", TWO_PASSPORTS, "--json").stdout)
    assert [one["who"] for one in done["changes"] if one["kind"] == "told"] == ["RFP@TH"]
    shown = run_rules("diff", old, new, "--history", TWO_PASSPORTS).output
    assert "would newly be told" in shown
    assert "second reader" in shown


def test_coverage_says_which_effect_a_story_holds(tmp_path: Path) -> None:
    """The denial of R22 is held by the story of the objecting woman, its holds are only mentioned there."""
    (tmp_path / "story.yaml").write_text(Path(TWO_PASSPORTS).read_text("utf-8"), "utf-8")
    done = run_rules("coverage", str(tmp_path), "--rule", "R22", "--json")
    assert done.exit_code == 0, done.output
    held = {one["effect"]: bool(one["held_by"]) for one in json.loads(done.stdout)}
    assert held == {"R22/0": True, "R22/1": False, "R22/2": False}


def test_the_page_holds_every_rule_its_mark_and_source_and_check_sees_a_difference(tmp_path: Path) -> None:
    """Writing twice changes nothing, an edit is seen, and the page loads nothing from elsewhere."""
    out = tmp_path / "rules.html"
    assert json.loads(run_rules("page", "--out", str(out), "--json").stdout)["changed"]
    assert not json.loads(run_rules("page", "--out", str(out), "--json").stdout)["changed"]
    assert run_rules("page", "--out", str(out), "--check").exit_code == 0
    written = out.read_text("utf-8")
    assert all(f'id="{rule.id}"' in written for rule in sample_law().rules)
    assert "@media print" in written
    assert not any(word in written for word in ("<script", "src=", "http"))
    out.write_text(written.replace("ACTIP", "ACTIPP", 1), "utf-8")
    assert run_rules("page", "--out", str(out), "--check").exit_code == 1


def test_what_a_title_holds_cannot_become_markup() -> None:
    """A rule's words are shown as words."""
    texts = {name: text.replace("title: Nothing about", "title: <b>Nothing</b> about") for name, text in
             sample_rules().items()}  # fmt: skip
    law = type(sample_law()).load(texts, sample_law().directory)
    assert "&lt;b&gt;Nothing" in page(law)

"""``sampan rules sign`` and ``sampan rules signatures``, and what a region then serves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from contracts.errors import SetupProblem
from deploy.region import FOLDER
from routing.law import sample_rules
from services.assembly import region
from tests.support.routing_play import START
from tests.support.rules_command import run_rules, write_rules


def test_a_signature_is_written_shown_and_lost_with_the_wording(tmp_path: Path) -> None:
    """A folder of signatures alone signs the rules that come with Sampan; an edited rule waits again."""
    folder = tmp_path / "rules"
    done = run_rules("sign", "R21", "--rules", str(folder), "--counsel", "A. Invented", "--on", "2026-11-20")
    assert done.exit_code == 0, done.output
    shown = run_rules("signatures", str(folder), "--json")
    assert shown.exit_code == 1, "others wait"
    assert {row["rule"]: row["signed_by"] for row in json.loads(shown.stdout)}["R21"] == "A. Invented, 2026-11-20"
    write_rules(folder, {name: text.replace("id: R21\n  title: ", "id: R21\n  title: Now ")
                         for name, text in sample_rules().items()})  # fmt: skip
    shown = run_rules("signatures", str(folder), "--json")
    assert {row["rule"]: row["signed_by"] for row in json.loads(shown.stdout)}["R21"] is None


def test_signing_twice_or_without_a_name_writes_nothing(tmp_path: Path) -> None:
    """A rule that does not wait needs no signature, and one by nobody, or of tomorrow, is none."""
    folder = tmp_path / "rules"
    assert run_rules("sign", "R21", "--rules", str(folder), "--counsel", " ").exit_code == 1
    tomorrow = ("--counsel", "A. Invented", "--on", "2026-11-25")
    assert run_rules("sign", "R21", "--rules", str(folder), *tomorrow).exit_code == 1
    assert run_rules("sign", "R999", "--rules", str(folder), "--counsel", "A. Invented").exit_code == 1
    assert not folder.exists()
    assert run_rules("sign", "R21", "--rules", str(folder), "--counsel", "A. Invented").exit_code == 0
    written = (folder / "signatures.yaml").read_text("utf-8")
    assert run_rules("sign", "R21", "--rules", str(folder), "--counsel", "B. Invented").exit_code == 0
    assert (folder / "signatures.yaml").read_text("utf-8") == written


def test_when_all_are_signed_nothing_waits_and_a_live_region_serves_all(tmp_path: Path) -> None:
    """Only then does an instance say that counsel signed, and its rules are the rules as written."""
    folder, place = tmp_path / "rules", tmp_path / "region"
    shutil.copytree(FOLDER, place, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    _, sample = region.load(None)
    _, live = region.load(place)
    _, demo = region.load(place, demo=True)
    assert sample.rule_set_hash == demo.rule_set_hash != live.rule_set_hash
    names = sorted({rule.id for rule in sample.waits_for_counsel(START)})
    assert run_rules("sign", *names, "--rules", str(folder), "--counsel", "A. Invented").exit_code == 0
    assert run_rules("signatures", str(folder)).exit_code == 0
    _, signed = region.load(place, folder)
    assert not signed.waits_for_counsel(START)
    assert [rule.effects for rule in signed.rules] == [rule.effects for rule in sample.rules]


def test_a_folder_of_rules_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    """An instance never falls back to other rules than it was told."""
    with pytest.raises(SetupProblem) as refused:
        region.load(None, tmp_path / "none")
    assert refused.value.code == "no-rules-folder"

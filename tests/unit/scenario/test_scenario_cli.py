"""``scenario run``: what it prints, and with which exit code it ends."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner

from services.scenario.cli import app, play_files
from services.scenario.driver import Driver
from tests.support.scripted_engine import Script, denied, dispatch, rules, scripted

FILE = """\
scenario: short
title: A [bold]title[/bold]
clock: 2026-03-02T09:00+07:00
people: {noy: {is: subject}}
assumes: [the shelter has a bed]
steps:
- {id: first, emit: ReferralSent, by: NGO-H@TH, to: SHA@TH, seal: [F1], expect: [{told: {who: SHA@TH}}]}
finally:
- not_told: {who: any@LA}
"""
SCRIPT: Script = {
    "ReferralSent": lambda record: {
        "dispatches": (dispatch(record, "SHA@TH", "F1", rules=rules("R01")),),
        "denied": (denied(record, address="state@LA", rules=rules("R22")),),
    }
}


@asynccontextmanager
async def opened() -> AsyncIterator[Driver]:
    yield scripted(SCRIPT)


def played(paths: list[Path], *, as_json: bool) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=160, color_system=None)
    titles = {"R22": "Deny the origin side"}
    code = play_files(
        paths, as_json=as_json, open_driver=opened, title_of=lambda r: titles.get(r, r), console=console
    )
    return code, out.getvalue()


def test_json_gives_one_object_per_file_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Scenario, passed, expected and actual stand in one line per file."""
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(FILE, "utf-8")
    bad.write_text(FILE.replace("any@LA", "SHA@TH"), "utf-8")
    code, out = played([good, bad], as_json=True)
    first, second = (json.loads(line) for line in out.splitlines())
    assert code == 1
    assert (first["scenario"], first["passed"]) == ("short", True)
    assert first["expected"] == [
        {"step": "first", "told": {"who": "SHA@TH"}},
        {"step": "finally", "not_told": {"who": "any@LA"}},
    ]
    assert [entry["passed"] for entry in second["actual"]] == [True, False]
    assert first["actual"][0]["told"][0]["groups"] == ["F0", "F1"]


def test_people_see_who_was_told_who_was_not_and_why(tmp_path: Path) -> None:
    """The table names agencies, groups, rules with titles, and failed expectations with file and line."""
    path = tmp_path / "case.yaml"
    path.write_text(FILE.replace("any@LA", "SHA@TH"), "utf-8")
    code, out = played([path], as_json=False)
    assert code == 1
    assert "shelter-th" in out
    assert "Deny the origin side" in out
    assert "A [bold]title[/bold]" in out
    assert "the shelter has a bed" in out
    assert f"{path}:9" in out


def test_a_file_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    """A broken file is one clear sentence and exit code 2; the next file is still played."""
    broken, good = tmp_path / "broken.yaml", tmp_path / "good.yaml"
    broken.write_text(FILE.replace("seal:", "saeel:"), "utf-8")
    good.write_text(FILE, "utf-8")
    code, out = played([tmp_path / "missing.yaml", broken, good], as_json=True)
    assert code == 2
    missing, wrong, right = (json.loads(line) for line in out.splitlines())
    assert "cannot be read" in missing["problems"][0]
    assert "'seal'" in wrong["problems"][0]
    assert right["passed"] is True


def test_the_command_explains_itself() -> None:
    """``scenario run --help`` has an example."""
    shown = CliRunner().invoke(app, ["run", "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output

"""What the ``sampan`` command keeps, prints and sends names nobody, whichever way a case came into it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contracts.groups import GROUP_MODELS
from services.cli.main import app
from services.cli.session import Session
from tests.support.canaries import found_below, found_in
from tests.support.stub_server import Fault, StubServer
from tests.support.workbooks import ANSWERED, NOY, workbook

WORDS = {group: f"Kanari{group}zwitschert" for group in GROUP_MODELS}
PHONE = "+999855123987"
EVENT = "AsylumClaimRaised"
PLANTED = [*WORDS.values(), PHONE, EVENT, "IdentificationRequested"]


def as_json(folder: Path) -> Path:
    """A sensitive event with a word in every group."""
    groups: dict[str, Any] = {group: {"other": {"note": word}} for group, word in WORDS.items()}
    groups["F2"] |= {"mobile_phone": PHONE}
    document = {
        "event": EVENT, "event_id": "018f6a9e-2c4a-7c11-9f00-0000000000e1",
        "submission_id": "018f6a9e-2c4a-7c11-9f00-0000000000a1", "sender": "ngo-th",
        "occurred_at": "2026-11-24T02:00:00Z",
        "subjects": [{"facts": {"found_in": "TH", "asylum": "claimed"}, "groups": groups}],
    }  # fmt: skip
    path = folder / "case.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def as_workbook(folder: Path) -> Path:
    """A row of IOM's workbook with words in the columns that identify."""
    planted = {
        "First Name": WORDS["F1"], "Mobile Phone": PHONE, "Mailing Street": WORDS["F2"],
        "sampan_current_place": WORDS["F12"],
    }  # fmt: skip
    path = folder / "CASE.xlsx"
    path.write_bytes(workbook(NOY | ANSWERED | planted))
    return path


def broken_json(folder: Path) -> Path:
    """A document that is refused, with words as values, as field names and where it breaks off."""
    path = folder / "broken.ndjson"
    lines = [{"event": WORDS["F1"], WORDS["F2"]: PHONE}, {"event": EVENT, "sender": WORDS["F3"]}]
    path.write_text("\n".join([*map(json.dumps, lines), f'{{"event": "{WORDS["F4"]}"']), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder in which the client keeps its things below ``data``."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SAMPAN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SAMPAN_DATA", "data")
    monkeypatch.setattr(Session, "sleep", staticmethod(lambda _seconds: None))
    return tmp_path


@pytest.mark.parametrize(
    ("written", "offline_code", "online_code"),
    [(as_json, 4, 0), (as_workbook, 4, 0), (broken_json, 1, 0)],
    ids=["json", "workbook", "broken"],
)
def test_no_planted_word_is_kept_printed_or_sent(
    folder: Path, written: Callable[[Path], Path], offline_code: int, online_code: int
) -> None:
    """Offline it waits in the spool, then it is flushed: nothing of her in any file, on screen or on the line."""
    path = written(folder)
    with StubServer() as server:
        server.write_client(folder / "data")
        server.faults = [Fault("/v1/submissions", 503, times=9)]
        offline = CliRunner().invoke(app, ["submit", str(path), "--as", "ngo-th"])
        assert offline.exit_code == offline_code, offline.output
        assert found_below(folder / "data", PLANTED) == []
        server.faults = []
        online = CliRunner().invoke(app, ["submit", "--flush", "--as", "ngo-th"])
        assert online.exit_code == online_code, online.output
        assert bool(server.bodies) is (offline_code == 4)
        sent = b"".join(server.bodies) + "\n".join(server.calls).encode()
    assert found_below(folder / "data", PLANTED) == []
    assert found_in((offline.output + online.output).encode(), PLANTED) == []
    assert found_in(sent, PLANTED) == []
    assert [name for name in map(str, (folder / "data").rglob("*")) if found_in(name.encode(), PLANTED)] == []

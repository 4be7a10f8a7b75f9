"""``sampan rules`` as tests run it: no server, no data folder, a clock that stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner, Result

from services.cli.main import app
from services.cli.session import Session
from services.runtime.clock import ManualClock

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)

SampanRules = Callable[..., Result]


def run_rules(*arguments: str, typed: str = "") -> Result:
    """``run_rules("check", "--json")``."""
    Session.clock = ManualClock(NOW)
    wide = {"COLUMNS": "200"}  # whatever terminal the tests run in, no sentence is folded
    return CliRunner().invoke(app, ["rules", *arguments], input=typed, env=wide)


def write_rules(folder: Path, texts: dict[str, str]) -> str:
    """Rule files in a folder of a test; returns the folder."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return str(folder)

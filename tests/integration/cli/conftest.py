"""The command as a person runs it, against a real HTTP server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.cli.session import Session
from services.runtime.clock import ManualClock
from tests.support.command import Sampan
from tests.support.stub_server import StubServer


@pytest.fixture
def server() -> Iterator[StubServer]:
    with StubServer() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder; the client finds its things in ``data`` there and nowhere else."""
    monkeypatch.chdir(tmp_path)
    for name in ("SAMPAN_URL", "SAMPAN_AS", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SAMPAN_DATA", "data")
    return tmp_path


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The command's clock; its pauses pass at once."""
    standing = ManualClock(datetime(2026, 11, 24, 2, 30, tzinfo=UTC))
    monkeypatch.setattr(Session, "clock", standing)
    monkeypatch.setattr(Session, "sleep", staticmethod(standing.advance))
    return standing


@pytest.fixture
def sampan(server: StubServer, folder: Path, clock: ManualClock) -> Sampan:
    """Run a command: ``sampan("inbox", "--as", "shelter-th")``."""
    server.write_client(folder / "data")

    def run(*arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, list(arguments), input=typed)

    return run

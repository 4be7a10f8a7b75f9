"""Ctrl-C and kill: what was sent, what was not, and that sending again is safe."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.command import Sampan
from tests.support.stub_server import StubServer
from tests.support.submitted_documents import referral


def test_ctrl_c_says_what_was_sent_and_flush_sends_the_rest_once(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """Stopped while the second row's answer is awaited: 1 sent, 1 waits; --flush gets its receipt, no double."""
    _document(folder)
    process = _started(folder, server, answer=1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "1 sent; 1 sealed and kept here" in errors
    assert "Traceback" not in errors
    server.hold_submissions.clear()
    flushed = sampan("submit", "--flush", "--as", "ngo-th")
    assert flushed.exit_code == 0, flushed.output
    whole = sampan("submit", "cases.json", "--as", "ngo-th", "--json")
    assert [row["state"] for row in json.loads(whole.stdout)["files"][0]["rows"]] == ["already sent"] * 2 + [
        "sent"
    ]
    assert len(server.submissions) == 3


def test_a_killed_submit_loses_nothing_and_sends_nothing_twice(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """SIGKILL while the answer is awaited: the same command again finishes the work; one record per event."""
    _document(folder)
    process = _started(folder, server, answer=0)
    process.kill()
    process.communicate(timeout=30)
    server.hold_submissions.clear()
    result = sampan("submit", "cases.json", "--as", "ngo-th", "--json")
    assert result.exit_code == 0, result.output
    assert len(server.submissions) == 3
    assert len(set(server.bodies)) == 3


def _document(folder: Path) -> None:
    events = [referral(case=None, priority=priority) for priority in ("EMERGENCY", "URGENT", "ROUTINE")]
    (folder / "cases.json").write_text(json.dumps(events))


def _started(folder: Path, server: StubServer, answer: int) -> subprocess.Popen[str]:
    """A ``sampan submit`` in a process of its own, stopped where the server has taken one more than ``answer``."""
    server.hold_after(answer)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from services.cli.main import main; main()",
            "submit",
            "cases.json",
            "--as",
            "ngo-th",
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.taken.wait(60), "the command never reached the server"
    return process

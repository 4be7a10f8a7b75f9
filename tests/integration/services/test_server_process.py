"""The server as a process: what stops it from starting is one sentence; a signal stops it whole; it starts again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.serve_process import Serve, serving

EVERYWHERE = "0.0.0.0"  # noqa: S104 (what is refused)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder into which the database's own user can walk."""
    with tempfile.TemporaryDirectory(prefix="sampan-serve-") as name:
        os.chmod(name, 0o711)  # noqa: S103
        yield Path(name)


def one_sentence(serve: Serve, *words: str) -> None:
    """It ended as failed, with one sentence and its remedy, and no traceback."""
    assert serve.end() == 1, serve.text
    assert "Traceback" not in serve.text
    flat = " ".join(serve.text.replace("│", " ").split())
    assert len(flat) < 400, serve.text
    for word in words:
        assert word in flat, serve.text


def test_a_port_in_use(folder: Path) -> None:
    """It names the port and another one, before anything is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with serving("--data", "d", "--port", port, cwd=folder) as serve:
            one_sentence(serve, f"Port {port} on 127.0.0.1 is in use.", "--port")
    assert not (folder / "d" / "keyring.json").exists()


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    """It names the folder and what to do."""
    (folder / "file").write_text("not a folder")
    with serving("--data", "file/data", "--port", "0", cwd=folder) as serve:
        one_sentence(serve, "The data folder file/data cannot be written.", "--data")


def test_an_address_that_is_not_here(folder: Path) -> None:
    """Not a port in use: an address of another machine."""
    with serving("--data", "d", "--host", "192.0.2.1", "--port", "0", cwd=folder) as serve:
        one_sentence(serve, "192.0.2.1 is no address of this machine.")


def test_an_unprotected_keyring_beyond_this_machine(folder: Path) -> None:
    """Refused before a keyring is made, so that setting the passphrase is enough."""
    with serving("--data", "d", "--host", EVERYWHERE, "--port", "0", cwd=folder) as serve:
        one_sentence(serve, "needs a keyring with a passphrase", "SAMPAN_PASSPHRASE")
    assert not (folder / "d" / "keyring.json").exists()


def test_the_demo_beyond_this_machine(folder: Path) -> None:
    """Refused, whatever the keyring."""
    with serving(
        *("--demo", "--data", "d", "--host", EVERYWHERE, "--port", "0"), cwd=folder, SAMPAN_PASSPHRASE="words"
    ) as serve:
        one_sentence(serve, "The demo's tokens are for this machine alone.", "--demo")
    assert not (folder / "d" / "keyring.json").exists()


@pytest.mark.timeout(300)
def test_what_was_a_demo_stays_on_this_machine(folder: Path) -> None:
    """Its demo tokens stay valid: started again without --demo it is refused to others, and serves here."""
    for arguments, words in (
        (("--demo", "--port", free_port()), "listening on http"),
        (("--host", EVERYWHERE, "--port", "0"), None),
        (("--port", free_port()), "listening on http"),
    ):
        with serving("--data", "d", *arguments, cwd=folder, SAMPAN_PASSPHRASE="words") as serve:
            if words is None:
                assert serve.end() == 1, serve.text
                assert "The demo's tokens are for this machine alone." in serve.text
                assert "Traceback" not in serve.text
            else:
                serve.until(words)
                serve.signal(signal.SIGTERM)
                assert serve.end() == 0, serve.text


@pytest.mark.timeout(300)
def test_the_first_crossing_is_seen_and_crosses_once(folder: Path) -> None:
    """Two rows of the bundled workbook are sent, told and called out to Primero; a second start sends nothing twice."""
    for said in ("sent", "already sent"):
        with serving("--demo", "--data", "d", "--port", free_port(), cwd=folder) as serve:
            serve.until("listening on http")
            serve.signal(signal.SIGTERM)
            assert serve.end() == 0, serve.text
        assert len(re.findall(rf"row \d+ +│ {said} +│ SP-", serve.text)) == 2, serve.text
        assert "Told" in serve.text
        assert "(SHA@TH)" in serve.text
        assert ("referral created" in serve.text) is (said == "sent"), serve.text


@pytest.mark.timeout(300)
def test_start_stop_and_start_again(folder: Path) -> None:
    """Ctrl-C and SIGTERM each end it whole with code 0; a second copy is refused meanwhile; the data is found again."""
    identities = []
    for number in (signal.SIGINT, signal.SIGTERM):
        port = free_port()
        with serving("--data", "d", "--port", port, cwd=folder) as serve:
            serve.until("listening on http")
            identities.append(httpx.get(f"http://127.0.0.1:{port}/v1/instance").json()["instance_id"])
            if number is signal.SIGINT:
                with serving("--data", "d", "--port", free_port(), cwd=folder) as second:
                    one_sentence(second, "d")
                assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            serve.signal(number)
            assert serve.end() == 0, serve.text
        assert "Traceback" not in serve.text
        assert "stopped; everything is kept in d" in serve.text
        assert not processes_in(folder)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")
    assert identities[0] == identities[1]


@pytest.mark.timeout(300)
def test_ctrl_c_while_it_starts(folder: Path) -> None:
    """Stopped in the middle of the first start it leaves no process and no traceback, and starts the next time."""
    with serving("--data", "d", "--port", free_port(), cwd=folder) as serve:
        serve.until("starting the database")
        serve.signal(signal.SIGINT)
        serve.end()
    assert "Traceback" not in serve.text, serve.text
    assert not processes_in(folder)
    with serving("--data", "d", "--port", free_port(), cwd=folder) as again:
        again.until("listening on http")


@pytest.mark.timeout(300)
def test_ctrl_c_with_a_stream_open(folder: Path) -> None:
    """An open stream does not keep the server: it ends, with code 0, and the reader's line closes."""
    port = free_port()
    with serving("--demo", "--data", "d", "--port", port, cwd=folder) as serve:
        serve.until("listening on http")
        (token,) = (folder / "d").rglob("shelter-th.token")
        headers = {"Authorization": f"Bearer {token.read_text().strip()}"}
        with httpx.stream(
            "GET", f"http://127.0.0.1:{port}/v1/inbox/stream", headers=headers, timeout=60
        ) as answer:
            lines = answer.iter_lines()
            assert next(lines)
            serve.signal(signal.SIGINT)
            assert serve.end() == 0, serve.text
    assert "Traceback" not in serve.text, serve.text


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def processes_in(folder: Path) -> list[str]:
    """Command lines of processes that still name the folder."""
    shown = subprocess.run(["/bin/ps", "-eo", "args="], capture_output=True, check=True, text=True)
    return [line for line in shown.stdout.splitlines() if str(folder) in line]

"""Processes of a node: which one serves a folder, and that none outlives the run that started it.

A process id alone proves nothing, since ids are reused: a process is a node's only if its command names the
node's folder.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_POLL_SECONDS: Final = 0.02
# Reads the id of the process to guard, then waits: a second line means that all is over; the end of the pipe,
# that whoever held it is dead, and then the guarded process must not live on. A stopped one dies by KILL too.
_GUARD: Final = "read -r pid || exit 0; read -r over && exit 0; kill -9 $pid"


class Guard:
    """Kills one process when ours dies without saying so, whatever killed ours and from any thread."""

    def __init__(self) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us
        )

    def watch(self, pid: int) -> None:
        self._say(f"{pid}\n")

    def release(self) -> None:
        """The guarded process is gone; harmless when done twice."""
        self._say("over\n")
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        self._shell.wait()

    def _say(self, line: str) -> None:
        pipe = self._shell.stdin
        if pipe is not None and not pipe.closed:
            pipe.write(line.encode("ascii"))
            pipe.flush()


def serving(pid_file: Path) -> int | None:
    """The process that serves the folder of ``pid_file``; None if none does."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return pid if str(pid_file.parent) in _command(pid) else None


def end(pid: int, pid_file: Path, hows: Iterable[signal.Signals], *, within_seconds: float) -> None:
    """End a process that is not our child by one signal after the other, each given its time to work."""
    for how in hows:
        try:
            os.kill(pid, how)
            os.kill(pid, signal.SIGCONT)  # a stopped process hears nothing but KILL
        except ProcessLookupError:
            return
        until = time.monotonic() + within_seconds
        while serving(pid_file) == pid and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
        if serving(pid_file) != pid:
            return


def _command(pid: int) -> str:
    """A live process's command; empty for one that is gone or a zombie."""
    proc = Path("/proc")
    if proc.joinpath("self").exists():
        try:
            return (
                proc.joinpath(str(pid), "cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode("utf-8", "replace")
            )
        except OSError:
            return ""
    listing = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout

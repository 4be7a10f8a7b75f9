"""What a killed Sampan leaves behind: a server that still runs on our folder, or its stale pid file.

A process id alone proves nothing, since ids are reused: a process is ours only if it runs on our cluster.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from contracts.errors import SetupProblem

SOCKET_FOLDER_PREFIX = "sampan-socket-"
_FAST_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02


def clear_orphan(cluster: Path) -> None:
    """Stop a server left running on ``cluster``, and remove the traces of one that died.

    Raises:
        SetupProblem: a server runs there and cannot be stopped.
    """
    pid_file = cluster / "postmaster.pid"
    lines = _lines(pid_file)
    if lines is None:
        return
    pid = int(lines[0]) if lines and lines[0].strip().isdigit() else None
    if pid is not None and _serves(pid, cluster):
        _stop(pid, cluster)
    # Children of a killed postmaster end by themselves; the pid file may go only when they have, because it
    # is what keeps a second server away from their shared memory.
    if Path("/proc").is_dir() and _wait(lambda: not _processes_on(cluster)):
        pid_file.unlink(missing_ok=True)
    if len(lines) > 4 and SOCKET_FOLDER_PREFIX in lines[4]:
        shutil.rmtree(lines[4].strip(), ignore_errors=True)


def _stop(pid: int, cluster: Path) -> None:
    for how in (signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGTERM)):
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        except PermissionError:
            break
        if _wait(lambda: not _serves(pid, cluster)):
            return
    raise SetupProblem(
        f"A database server (process {pid}) left by an earlier run still holds the data folder.",
        code="orphan-server",
        remedy=f"Stop process {pid} and start again.",
    )


def _serves(pid: int, cluster: Path) -> bool:
    """Whether process ``pid`` is a server that runs on ``cluster``."""
    if Path("/proc").is_dir():
        return _working_folder(pid) == cluster.resolve()
    if os.name == "nt":
        return False  # there the server itself detects a live owner by its shared memory
    listing = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(cluster) in listing.stdout


def _processes_on(cluster: Path) -> list[int]:
    resolved = cluster.resolve()
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _working_folder(pid) == resolved]


def _working_folder(pid: int) -> Path | None:
    """Working folder of a live process; None for one that is gone, is a zombie or is not ours to see."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return None


def _wait(done: Callable[[], bool]) -> bool:
    until = time.monotonic() + _FAST_STOP_SECONDS
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _lines(path: Path) -> list[str] | None:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None

"""One Sampan per data folder, held by the operating system so that a killed process frees it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

from contracts.errors import SetupProblem

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class FolderLock:
    """An exclusive lock on ``path``, whose content is the process id of its holder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            SetupProblem: another process has it; the message says which.
        """
        file = open(self._path, "a+", encoding="ascii")  # noqa: SIM115 (held until release)
        try:
            _lock(file)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise SetupProblem(
                f"Another Sampan (process {holder}) already uses the data folder {self._path.parent}.",
                code="data-folder-in-use",
                remedy="Stop that process, or give this one a data folder of its own.",
            ) from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless if it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        file.seek(1024)  # a byte beyond the content, since Windows locks also stop readers
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

"""Locks on files, held by the operating system so that a killed process frees them."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from contracts.errors import SetupProblem


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold ``file`` alone, waiting for whoever holds it; its folder is created if absent."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


class ClusterLock:
    """One owner for a cluster's folder, without waiting."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._held: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; harmless when it is held by us.

        Raises:
            SetupProblem: ``kafka-folder-in-use``.
        """
        if self._held is not None:
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        held = open(self._file, "a", encoding="ascii")  # noqa: SIM115 (held until release)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            raise SetupProblem(
                f"Another process runs, starts or stops the local Kafka in {self._file.parent}",
                code="kafka-folder-in-use",
                remedy="Wait for it, or use a folder of your own.",
            ) from None
        self._held = held

    def release(self) -> None:
        """Give it back; harmless if it is not held."""
        if self._held is not None:
            self._held.close()
            self._held = None

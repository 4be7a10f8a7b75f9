"""A lock on a file, held by the operating system so that a killed process frees it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(file: Path) -> Iterator[None]:
    """Hold ``file`` alone, waiting for whoever holds it; its folder is created if absent."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield

"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from contracts.errors import SetupProblem
from services.client.errors import SpoolFull

OWNER_ONLY_FILE: Final = 0o600
OWNER_ONLY_FOLDER: Final = 0o700
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def private_folder(path: Path) -> Path:
    """Make ``path`` and its parents; the folder itself is its owner's alone.

    Raises:
        SetupProblem: the folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=OWNER_ONLY_FOLDER)
        path.chmod(OWNER_ONLY_FOLDER)
    except OSError as error:
        raise _cannot("make", path, error) from None
    return path


def write_private(path: Path, content: bytes) -> None:
    """Write ``content`` so that after a crash the file is there whole or not at all.

    Durable on return: the file and its folder have been flushed.

    Raises:
        SpoolFull: no room on the disk; nothing was left behind.
        SetupProblem: the folder is not writable.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OWNER_ONLY_FILE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        flush_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _cannot("write in", path.parent, error) from None


def flush_folder(folder: Path) -> None:
    """Make renames and removals in ``folder`` durable. Windows has no such call; its renames are."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_private(path: Path, what: str) -> bytes:
    """Read a secret, and refuse one that others on this machine could have read.

    Raises:
        SetupProblem: missing, unreadable, or open to others.
    """
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise _cannot("read", path, error) from None
    if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SetupProblem(
            f"others on this machine can read the {what} {path.name}.",
            code="secret-open-to-others",
            remedy=f"Run: chmod 600 {path}",
        )
    return content


def _cannot(verb: str, path: Path, error: OSError) -> SetupProblem:
    if error.errno in _NO_ROOM:
        return SpoolFull(
            "The disk is full, so nothing more could be kept here.",
            remedy="Your document is untouched; make room and run the same command again.",
        )
    return SetupProblem(
        f"cannot {verb} {path}: {os.strerror(error.errno or 0).lower()}.",
        code="no-access",
        remedy="Check that the folder exists and belongs to you.",
    )

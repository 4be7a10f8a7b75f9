"""What a process of ours has in its memory: whether a word stands there in clear."""

from __future__ import annotations

import re
from pathlib import Path

_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")
_PIECE_BYTES = 1 << 24


def stands_in_memory(pid: int, word: bytes) -> bool:
    """Whether ``word`` stands in writable memory of a child process (Linux)."""
    regions = [(int(a, 16), int(b, 16)) for a, b in _REGION.findall(Path(f"/proc/{pid}/maps").read_text())]
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        return any(_found(memory, start, end, word) for start, end in regions)


def _found(memory: object, start: int, end: int, word: bytes) -> bool:
    before = b""
    for at in range(start, end, _PIECE_BYTES):
        try:
            memory.seek(at)  # type: ignore[attr-defined]
            piece: bytes = memory.read(min(_PIECE_BYTES, end - at))  # type: ignore[attr-defined]
        except OSError:  # a region of the kernel's own
            return False
        if word in before + piece:
            return True
        before = piece[-len(word) :]
    return False

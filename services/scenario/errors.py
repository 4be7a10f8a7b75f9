"""What is wrong with a scenario file, said to the lawyer who wrote it: file, line, what, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from contracts.errors import InvalidInput

SEE: Final = "docs/scenarios.md says what may stand here."


class ScenarioError(InvalidInput):
    """An error of the file. ``field`` is ``FILE:LINE``; the message never echoes a value of a person."""

    default_code = "bad-scenario"
    http_status = 422

    def __init__(self, message: str, *, file: str, line: int, remedy: str | None = None) -> None:
        super().__init__(message, field=f"{file}:{line}", remedy=remedy or SEE)
        self.file = file
        self.line = line


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that looks most like ``word``; the first one where none looks like it at all."""
    words = sorted(known)
    folded = {w.lower(): w for w in words}
    found = get_close_matches(word.lower(), folded, n=1, cutoff=0.0)
    return folded[found[0]] if found else (words[0] if words else "")

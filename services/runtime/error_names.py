"""Names of errors for logs, without their messages: those echo what a person wrote. Needs no driver."""

from __future__ import annotations

import traceback
from pathlib import Path

from contracts.errors import SampanError


def error_code(error: BaseException) -> str:
    """A code for ``error`` that carries no value: messages of databases and parsers echo their input."""
    if isinstance(error, SampanError):
        return error.code
    state = getattr(error, "sqlstate", None)
    return f"sqlstate-{state}" if isinstance(state, str) else type(error).__name__


def raised_at(error: BaseException) -> str:
    """File and line where ``error`` was raised, for who must mend it; without its message."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown"

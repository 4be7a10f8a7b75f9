"""Structured logs: pretty on a terminal, one JSON object a line elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import orjson
import structlog

from contracts.private import MASK, Private

_PLAIN: Final = (str, int, float, bool, type(None))
_LONGEST: Final = 300


def _guard(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Only plain, short values reach a line: no models, no bytes, nothing private, no exception with locals."""
    for key, value in event.items():
        if isinstance(value, Private):
            event[key] = MASK
        elif not isinstance(value, _PLAIN):
            event[key] = (
                str(value) if type(value).__name__ in ("UUID", "datetime") else f"<{type(value).__name__}>"
            )
        elif isinstance(value, str) and len(value) > _LONGEST:
            event[key] = value[:_LONGEST] + "…"
    return event


def _json(value: Any, **_: Any) -> bytes:
    return orjson.dumps(value)


class _StandardError:
    """Writes each line, whole, to standard error as it is at that moment: whoever replaced it may put it back."""

    def msg(self, line: str | bytes) -> None:
        """One line, from a renderer of text or of bytes."""
        whole = line if isinstance(line, bytes) else line.encode(sys.stderr.encoding or "utf-8", "backslashreplace")
        sys.stderr.flush()
        sys.stderr.buffer.write(whole + b"\n")
        sys.stderr.buffer.flush()

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _to_standard_error(*_names: Any) -> _StandardError:
    return _StandardError()


def configure_logs(*, level: int = logging.INFO, pretty: bool | None = None) -> None:
    """Set up structlog for this process. ``pretty`` None: as standard error is a terminal or not.

    Lines go to standard error, so a command's own answer on standard output stays clean.
    """
    on_terminal = sys.stderr.isatty() if pretty is None else pretty
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _guard,
    ]
    if on_terminal:
        structlog.configure(
            processors=[
                *shared,
                structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            logger_factory=_to_standard_error,
            cache_logger_on_first_use=True,
        )
        return
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_to_standard_error,
        cache_logger_on_first_use=True,
    )

"""What can go wrong, in words a caseworker understands.

    SampanError
     ├── InvalidInput        the document or request is wrong: field and remedy named
     ├── NotAllowed          the caller is known and may not do this
     ├── NotAuthentic        a signature, token or seal does not hold
     ├── Conflict            the same id was used for other content
     ├── NotFound            nothing that this caller may know of
     ├── SetupProblem        the machine: port in use, folder not writable, second copy
     └── TryLater            retryable: the line is down, the lease moved, the queue is full

Errors cross rooms, logs and screens, so they carry a stable ``code``, the ``field`` concerned and the
``remedy``, and never a value of a person. ``retryable`` says whether the same call may succeed later.
"""

from __future__ import annotations

from typing import ClassVar


class SampanError(Exception):
    """Root of all errors that may reach a person or cross a room.

    Args:
        message: one sentence in plain words, without any identity value.
        code: stable, lower-case with hyphens; apart from the prose, so that prose may change.
        field: path of the offending field (``subjects[0].facts.found_in``), if one is to blame.
        remedy: what the reader can do next, one sentence.
    """

    retryable: ClassVar[bool] = False
    default_code: ClassVar[str] = "sampan-error"
    http_status: ClassVar[int] = 500

    def __init__(
        self, message: str, *, code: str | None = None, field: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.remedy = remedy

    def sentence(self) -> str:
        """The error as one line: where, what, and what to do."""
        where = f"{self.field}: " if self.field else ""
        then = f" {self.remedy}" if self.remedy else ""
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{where}{self.message}{stop}{then}"


class InvalidInput(SampanError):
    """The document or request is wrong; sending it again unchanged cannot help."""

    default_code = "invalid-input"
    http_status = 422


class NotAuthentic(SampanError):
    """A token, signature or seal does not hold."""

    default_code = "not-authentic"
    http_status = 401


class NotAllowed(SampanError):
    """The caller is known and may not do this."""

    default_code = "not-allowed"
    http_status = 403


class NotFound(SampanError):
    """Nothing here that this caller may know of. Never tells absent from withheld."""

    default_code = "not-found"
    http_status = 404


class Conflict(SampanError):
    """The same id was used before for other content, or the state moved on."""

    default_code = "conflict"
    http_status = 409


class SetupProblem(SampanError):
    """The machine or its settings: a port in use, a folder that cannot be written, a second copy."""

    default_code = "setup-problem"


class TryLater(SampanError):
    """Nothing is wrong with the request; the same call may succeed later."""

    retryable = True
    default_code = "try-later"
    http_status = 503

"""Sorts what a step may raise: try the same again, or it will never work."""

from __future__ import annotations

from typing import Final

import asyncpg

from contracts.errors import InvalidInput, SampanError
from services.runtime.error_names import error_code, raised_at

__all__ = [
    "GapError",
    "LogReplacedError",
    "NotOurs",
    "concerns_operator",
    "error_code",
    "is_transient",
    "raised_at",
]


class NotOurs(InvalidInput):
    """Bytes that no code of ours could have written or that cannot be framed: they go to ``-dlq``."""

    default_code = "not-ours"


class GapError(SampanError):
    """The log gave a record that does not follow the one applied last. Never skipped; read again."""

    default_code = "log-gap"
    retryable = True


class LogReplacedError(SampanError):
    """The log has another id than the position: it was restored, and offsets mean other records now."""

    default_code = "log-replaced"


_TRANSIENT = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a connection that died in use
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,  # serialization failure, deadlock
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.OperatorInterventionError,  # shutdown, cancelled
    asyncpg.IdleInTransactionSessionTimeoutError,  # this process was stopped in the middle
    asyncpg.LockNotAvailableError,
)


def is_transient(error: BaseException) -> bool:
    """Whether the same step may succeed later without anyone's help."""
    if isinstance(error, SampanError):
        return error.retryable
    return isinstance(error, _TRANSIENT)


_ALARMS: Final = frozenset({"key-broken"})
"""Refusals that tell of an altered database; whoever asked is refused, and the operator must hear of it."""


def concerns_operator(error: BaseException) -> bool:
    """Whether ``error`` tells of trouble on our side, and not only of a request that is refused."""
    return not isinstance(error, SampanError) or error.http_status >= 500 or error.code in _ALARMS

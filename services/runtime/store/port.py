"""What a unit of work promises, whatever holds it.

One unit of work is one transaction: the consumer's positions (compared and set first), the service's own
state, and the records it emits (appended last). All of it happens or nothing does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from contracts.errors import TryLater
from services.runtime.log.port import LogPosition, NewRecord, StoredRecord


class FencedError(TryLater):
    """Another owner took the partition, or its position moved: nothing was done, read the position again."""

    default_code = "fenced"


class CommitUnknown(TryLater):
    """The line broke during COMMIT, so the work may or may not be stored: read the position again."""

    default_code = "commit-unknown"


@dataclass(frozen=True, slots=True)
class Advance:
    """One partition's step: from ``applied`` to ``to``, valid only under ``epoch`` of that log."""

    consumer: str
    topic: str
    partition: int
    log_id: UUID
    epoch: int
    applied: int
    to: int


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """Reference to a record that waits because its key is parked."""

    key: UUID
    position: LogPosition


class UnitOfWork(Protocol):
    """An open transaction."""

    @property
    def now(self) -> datetime:
        """Record time of everything in this unit of work: aware UTC, read once from the store's clock."""
        ...

    @property
    def connection(self) -> Any:
        """The open ``asyncpg`` connection. The memory backend has none and raises ``TypeError``.

        Change settings with ``set local`` only: the session is handed on as it is.
        """
        ...

    @property
    def appended(self) -> Sequence[LogPosition]:
        """Where the emitted records stand, in the order of :meth:`emit`; empty before the commit."""
        ...

    def emit(self, record: NewRecord) -> None:
        """Append ``record`` when this unit of work commits.

        Raises:
            RecordTooLarge: see :func:`services.runtime.log.check_size`.
        """
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """A part that can fail alone: on an exception its state and its emitted records are undone."""
        ...

    async def parked_among(self, consumer: str, keys: Collection[UUID]) -> set[UUID]:
        """Which of ``keys`` are parked for ``consumer``."""
        ...

    async def park(self, consumer: str, record: StoredRecord, error_code: str) -> None:
        """Park the record's key (if it is not yet) and queue the record behind it."""
        ...

    async def parked_records(self, consumer: str, key: UUID) -> Sequence[ParkedRecord]:
        """What waits behind ``key``, in order of arrival."""
        ...

    async def unpark(self, consumer: str, parked: ParkedRecord) -> None:
        """Take one record off the queue; the key is free when its queue is empty."""
        ...


class Store(Protocol):
    """Opens units of work."""

    def unit_of_work(self, advances: Sequence[Advance] = ()) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin; commit at a normal exit, undo at an exception.

        After the commit the topics of the emitted records are woken.

        Raises:
            FencedError: at entry, if any of ``advances`` does not start from what is stored.
            CommitUnknown: at exit, if the connection broke while committing.
        """
        ...

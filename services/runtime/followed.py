"""The logs that a consumer follows: its own database's, and those of other databases that are known by now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from services.runtime.lease import Ownership
from services.runtime.log import LogReader

Others = Callable[[], Sequence[LogReader]]
"""The logs of other databases, as far as they are known; asked each time, because one may come up later."""


def nobody_else() -> Sequence[LogReader]:
    """There is one database."""
    return ()


class Followed:
    """Readers by log id.

    Args:
        own: reads the log of the consumer's own database.
    """

    def __init__(self, own: LogReader, others: Others = nobody_else) -> None:
        self.own, self._others = own, others
        self._ids: list[tuple[LogReader, UUID]] = []

    async def now(self) -> Mapping[UUID, LogReader]:
        """The logs as known now, others' first: what this database found itself follows from what others said."""
        return {await self._id_of(log): log for log in (*self._others(), self.own)}

    async def own_id(self) -> UUID:
        """The id under which the own log is read."""
        return await self._id_of(self.own)

    async def _id_of(self, log: LogReader) -> UUID:
        # Asked once: a log that changes its id under a running process was replaced, and its records tell.
        for known, log_id in self._ids:
            if known is log:
                return log_id
        log_id = await log.log_id()
        self._ids.append((log, log_id))
        return log_id


def is_replaced(own: Ownership, log_id: UUID, followed: Mapping[UUID, LogReader]) -> bool:
    """Whether a log that was never read here stands where another one was that is not followed any more.

    A restored log has a new id. Following it from its first record would apply everything twice.
    """
    return log_id not in own.applied and not own.applied.keys() <= followed.keys()

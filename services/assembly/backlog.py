"""How far the relay may fall behind before intake stops accepting: what is accepted is safe, and still must go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from contracts.errors import TryLater
from contracts.topics import Topic
from services.relay.bootstrap import NAME
from services.runtime.failures import error_code, raised_at
from services.runtime.positions import behind
from services.runtime.store.postgres import PostgresStore

_LOOK_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)


class Backlog:
    """What the relay has not carried yet, looked at now and then."""

    def __init__(self, store: PostgresStore, topics: Sequence[Topic], records_max: int) -> None:
        self._store, self._records_max = store, records_max
        self._topics = [topic.topic for topic in topics]
        self._records = 0

    def check(self) -> None:
        """Raises TryLater: ``log-backlog``; the brokers have been away for long."""
        if self._records > self._records_max:
            raise TryLater("more is recorded than could be carried on for now", code="log-backlog",
                           remedy="Keep it and send it again later; what was accepted is safe.")  # fmt: skip

    async def look(self) -> None:
        """Count anew."""
        self._records = await behind(self._store, NAME, self._topics)


@asynccontextmanager
async def watched(
    store: PostgresStore, topics: Sequence[Topic], records_max: int
) -> AsyncIterator[Backlog]:
    """A backlog that is looked at every second, for the length of a block."""
    backlog = Backlog(store, topics, records_max)

    async def look() -> None:
        while True:
            try:
                await backlog.look()
            except Exception as error:  # noqa: BLE001 (a look in vain changes nothing; intake meets the same fault)
                _log.warning("backlog_unknown", error=error_code(error), at=raised_at(error))
            await store.clock.sleep(_LOOK_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield backlog
    finally:
        looking.cancel()

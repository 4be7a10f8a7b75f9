"""Tells consumers that something was committed.

In one process: an event after the commit. Across processes: one NOTIFY inside the batch's append. Under both
a slow poll, so that a lost signal costs a second and never a record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import asyncpg

from services.runtime.clock import Clock

CHANNEL = "sampan_log"
ANY_TOPIC = "*"
"""Signalled where the topics' names are too many for one notification."""
POLL_SECONDS = 1.0
_RECONNECT_SECONDS = 1.0


class Wake:
    """Counts commits by topic. A waiter compares with the count before its read, so no signal is lost."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._changed = asyncio.Event()

    def signal(self, topics: Collection[str]) -> None:
        """Wake whoever waits for one of ``topics``; for any at all if ``ANY_TOPIC`` is among them."""
        for topic in topics:
            self._counts[topic] = self._counts.get(topic, 0) + 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def seen(self, topics: Collection[str]) -> int:
        """The count to take before reading, for :meth:`wait`."""
        return sum(self._counts.get(topic, 0) for topic in (*topics, ANY_TOPIC))

    async def wait(
        self, topics: Collection[str], seen: int, *, timeout_seconds: float = POLL_SECONDS
    ) -> None:
        """Return when one of ``topics`` was signalled since ``seen``, or after the poll interval."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while self.seen(topics) == seen:
                    await self._changed.wait()
        except TimeoutError:
            pass


async def listen(dsn: str, wake: Wake, clock: Clock, stop: asyncio.Event) -> None:
    """Turn other processes' notifications into local signals until ``stop``; reconnects by itself."""
    while not stop.is_set():
        try:
            await _listen_once(dsn, wake, stop)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await clock.sleep(_RECONNECT_SECONDS)


async def _listen_once(dsn: str, wake: Wake, stop: asyncio.Event) -> None:
    connection = await asyncpg.connect(dsn)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _connection: lost.set())
    try:
        await connection.add_listener(
            CHANNEL, lambda _c, _pid, _channel, payload: wake.signal(payload.split(","))
        )
        waiters = [asyncio.ensure_future(event.wait()) for event in (stop, lost)]
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiters:
            waiter.cancel()
    finally:
        if not connection.is_closed():
            await connection.close()

"""Due timers become records: ``DeadlineDue`` enters case-events, and the router decides what it means.

Taking a timer and appending its record is one transaction, so a timer fires once whoever runs this.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

import structlog

from contracts.ids import Random, new_id
from contracts.records import RunningEvent
from services.router import store
from services.runtime.failures import error_code, raised_at
from services.runtime.log.findings import finding_record
from services.runtime.store.postgres import PostgresStore

_BATCH: Final = 128
_POLL_SECONDS: Final = 1.0
_log = structlog.get_logger(__name__)

HeardUntil = Callable[[datetime], Awaitable[datetime]]
"""Now → the moment up to which everything that was said by then has been folded here."""


async def at_once(now: datetime) -> datetime:
    """In one log, what was said before a timer fires stands before it."""
    return now


class Timers:
    """Fires what is due.

    Args:
        heard_until: no timer fires that was due later than what was heard.
    """

    def __init__(self, store_: PostgresStore, random: Random, heard_until: HeardUntil = at_once) -> None:
        self._store = store_
        self._random, self._heard_until = random, heard_until

    async def run_once(self) -> int:
        """Append a record for every timer that is due now; returns how many."""
        fired = 0
        until = await self._heard_until(self._store.clock.now())
        while True:
            async with self._store.unit_of_work() as work:
                due = await store.take_due_timers(work.connection, min(until, work.now), _BATCH)
                for timer in due:
                    event = RunningEvent(
                        event_id=new_id(self._random, work.now), kind="DeadlineDue", case_id=timer.case_id,
                        subject_id=timer.subject_id, at=timer.due_at, timer_id=timer.timer_id,
                    )  # fmt: skip
                    work.emit(finding_record(event, timer.log_key))
            fired += len(due)
            if len(due) < _BATCH:
                return fired

    async def run(self, stop: asyncio.Event) -> None:
        """Fire what is due, once a second, until ``stop`` is set."""
        while not stop.is_set():
            try:
                await self.run_once()
            except Exception as error:  # noqa: BLE001 (timers stay in their table; the next second tries again)
                _log.warning("timers_retry", error=error_code(error), at=raised_at(error))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await stop.wait()

    async def next_at(self) -> datetime | None:
        """When the next timer is due."""
        async with self._store.pool.acquire() as connection:
            return await store.next_timer_at(connection)

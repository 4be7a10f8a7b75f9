"""The worker: claims due lanes, lets the edge open and send, records what came of it.

Lanes of agencies that run an edge of their own are theirs: here they are looked at only when that edge is silent.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

import structlog

from adapters.exchange import Verdict
from contracts.errors import SampanError
from contracts.topic_names import DISPATCHES
from services.delivery import lanes
from services.delivery.attempts import CALL_SECONDS_MAX, Attempt, Attempts, verdict_of
from services.edge.perform import Performer, Ready, perform
from services.runtime.clock import Clock
from services.runtime.failures import error_code, raised_at
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake

_BATCH: Final = 16
_POLL_SECONDS: Final = 1.0
_AT_ONCE: Final = 64
"""Attempts under way in one process: a system that hangs holds up its own lanes and not the others'."""
_GRACE_SECONDS: Final = 3.0
"""How long calls may go on after the stop; what is cut then is unknown, as after a crash."""
_log = structlog.get_logger(__name__)


class Worker:
    """Works the lanes of one process.

    Args:
        owner: a name that no other process uses.
    """

    def __init__(self, store_: PostgresStore, performer: Performer, attempts: Attempts, owner: str) -> None:
        self._store, self._performer, self._attempts, self._owner = store_, performer, attempts, owner
        self._up_since = store_.clock.now()

    async def run_once(self) -> int:
        """Attempt everything that is due now, once; returns how many attempts were made."""
        attempts = await self._claim(_BATCH)
        await asyncio.gather(*(self._attempt(attempt) for attempt in attempts))
        return len(attempts)

    async def run(self, stop: asyncio.Event, wake: Wake, clock: Clock) -> None:
        """Attempt what is due until ``stop`` is set."""
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            seen = wake.seen([DISPATCHES])
            free = min(_BATCH, _AT_ONCE - len(running))
            try:
                attempts = await self._claim(free) if free else []
            except Exception as error:  # noqa: BLE001 (a worker outlives its errors; claims tell the rest)
                _log.warning("delivery_retries", error=error_code(error), at=raised_at(error))
                await clock.sleep(_POLL_SECONDS)
                continue
            for attempt in attempts:
                task = asyncio.create_task(self._attempt_logged(attempt))
                running.add(task)
                task.add_done_callback(running.discard)
            if not attempts:
                await wake.wait([DISPATCHES], seen, timeout_seconds=_POLL_SECONDS)
        await _ended(running)

    async def next_at(self) -> datetime | None:
        """When the next lane wants an attempt."""
        async with self._store.pool.acquire() as connection:
            return await lanes.next_due_at(connection)

    async def _claim(self, limit: int) -> list[Attempt[Ready]]:
        return await self._attempts.claim(
            self._owner, limit, self._performer.prepare, up_since=self._up_since
        )

    async def _attempt(self, attempt: Attempt[Ready]) -> None:
        verdict = await self._performed(attempt.ready)
        await self._attempts.record(attempt.attempt_id, attempt.claim, attempt.dispatch, self._owner, verdict)

    async def _performed(self, ready: Ready | Verdict) -> Verdict:
        if isinstance(ready, Verdict):
            return ready
        try:
            async with asyncio.timeout(CALL_SECONDS_MAX):
                return await perform(ready)
        except SampanError as error:
            return verdict_of(error)
        except Exception as error:  # noqa: BLE001 (what was sent before the fault is not known)
            _log.error("delivery_broke_off", error=error_code(error), at=raised_at(error))
            return Verdict("unknown", "timeout" if isinstance(error, TimeoutError) else "internal")

    async def _attempt_logged(self, attempt: Attempt[Ready]) -> None:
        """An outcome that cannot be recorded leaves its claim: unknown, and tried again when it has run out."""
        try:
            await self._attempt(attempt)
        except Exception as error:  # noqa: BLE001
            _log.warning("delivery_outcome_lost", error=error_code(error), at=raised_at(error))


async def _ended(running: set[asyncio.Task[None]]) -> None:
    """Let calls end by themselves for a moment, then cut them."""
    if running:
        _, still = await asyncio.wait(running, timeout=_GRACE_SECONDS)
        for task in still:
            task.cancel()
        await asyncio.gather(*still, return_exceptions=True)

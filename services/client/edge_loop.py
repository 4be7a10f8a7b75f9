"""An agency's own edge at work: claims, opens with its key, calls the agency's system, says what came of it.

It keeps nothing on disk. Killed at any moment it forgets what it did, says nothing about it when it starts again,
and the hub takes a claim without an outcome as unknown: the channel's effect class decides, as for the hub's worker.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import structlog

from adapters.channels.http import converse
from adapters.exchange import Verdict
from contracts.edge_api import (
    LIMIT_MAX,
    WAIT_SECONDS_MAX,
    EdgeAsk,
    EdgeClaim,
    EdgeClaims,
    EdgeOutcome,
    EdgeRecorded,
)
from contracts.errors import SampanError
from contracts.sealing.release import Bound, EdgePrivateKey
from services.edge.released import open_release
from services.edge.render import rendered
from services.edge.targets import PrimeroTarget
from services.runtime.clock import Clock
from services.runtime.error_names import error_code, raised_at

AT_ONCE: Final = LIMIT_MAX
"""Calls under way. No more is claimed than is called at once: what is claimed can no longer be narrowed."""
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
_DOUBLINGS_MAX: Final = 5
_DRAIN_SECONDS: Final = 20.0
_REPORTS_MAX: Final = 12
"""Tries to say an outcome: some minutes. Later its claim has run out and the lane has gone on without it."""
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_log = structlog.get_logger(__name__)
T = TypeVar("T")


class Hub(Protocol):
    """Where work comes from. Both raise SampanError, and are called again later."""

    async def ask(self, ask: EdgeAsk) -> EdgeClaims: ...

    async def report(self, outcome: EdgeOutcome) -> EdgeRecorded: ...


class OwnEdge:
    """One edge.

    Args:
        private: opens what is sealed to this edge.
        targets: the agency's own systems, by channel.
        monotonic: seconds that only grow, to keep calls within their claims.
        uniform: jitter.
        count: told each verdict, and whether the hub ``answered`` or was ``silent``, for metrics.
    """

    def __init__(
        self, hub: Hub, private: EdgePrivateKey, agency_id: UUID, targets: Mapping[str, PrimeroTarget], *,
        clock: Clock, monotonic: Callable[[], float], uniform: Callable[[float, float], float],
        count: Callable[[str], None] = lambda what: None,
    ) -> None:  # fmt: skip
        self._hub, self._private, self._agency_id, self._targets = hub, private, agency_id, targets
        self._clock, self._monotonic, self._uniform, self._count = clock, monotonic, uniform, count
        self.has_asked = False
        self.trouble: SampanError | None = None
        """Why the hub last gave no answer; None while it does."""

    async def run(self, stop: asyncio.Event) -> None:
        """Perform until ``stop`` is set; then let calls end and be reported."""
        running: set[asyncio.Task[None]] = set()
        failures = 0
        while not stop.is_set():
            if len(running) >= AT_ONCE:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                attempts = await _unless(stop, self.claimed(AT_ONCE - len(running), WAIT_SECONDS_MAX)) or []
                failures = 0
            except SampanError as error:
                failures += 1
                await _unless(stop, self._clock.sleep(self._pause(failures, error)))
                continue
            for attempt in attempts:
                task = asyncio.create_task(attempt)
                running.add(task)
                task.add_done_callback(running.discard)
        await _ended(running)

    async def claimed(self, limit: int, wait_seconds: float) -> list[Coroutine[Any, Any, None]]:
        """Ask once; the attempts that came, to be run at once.

        Raises:
            SampanError: the hub gave no answer, or refuses this edge.
        """
        began = self._monotonic()
        try:
            given = await self._hub.ask(
                EdgeAsk(key_id=self._private.public.key_id, limit=limit, wait_seconds=wait_seconds)
            )
        except SampanError as error:
            self.trouble = error
            self._count("silent")
            raise
        self._count("answered")
        self.has_asked, self.trouble = True, None
        ends = (
            began + given.waited_seconds + given.call_within_seconds
        )  # on a slow line earlier than the hub's
        return [self._attempt(claim, ends) for claim in given.claims]

    def _pause(self, failures: int, error: SampanError) -> float:
        _log.warning("edge_without_hub", error=error.code, tries=failures)
        ceiling = min(FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, _DOUBLINGS_MAX), LONGEST_PAUSE_SECONDS)
        return float(self._uniform(ceiling / 2, ceiling))

    async def _attempt(self, claim: EdgeClaim, ends: float) -> None:
        verdict = await self._told(claim, ends)
        self._count(verdict.state)
        await self._report(claim, verdict)

    async def _told(self, claim: EdgeClaim, ends: float) -> Verdict:
        """Open, render and call; whatever goes wrong before the call leaves nothing sent."""
        target = self._targets.get(claim.channel)
        if target is None:
            return Verdict("later", "channel-not-configured")
        try:
            telling, opened = open_release(
                self._private, Bound(claim.dispatch, self._agency_id), claim.order, claim.keys
            )
            step = rendered(telling, opened, target)
        except SampanError as error:
            # A release for another key may be followed by one for ours: that was a change of keys.
            again = error.retryable or error.code == "release-broken"
            return Verdict("later" if again else "refused", error.code)
        except Exception as error:  # noqa: BLE001 (one document's fault stops no other)
            _log.error("edge_not_rendered", error=error_code(error), at=raised_at(error))
            return Verdict("later", "internal")
        left = ends - self._monotonic()
        if left <= 0:
            return Verdict("later", "claim-ran-out")
        try:
            async with asyncio.timeout(left):
                return await converse(step, target.channel)
        except SampanError as error:
            return Verdict("later" if error.retryable else "refused", error.code)
        except Exception as error:  # noqa: BLE001 (what was sent before the fault is not known)
            _log.error("edge_broke_off", error=error_code(error), at=raised_at(error))
            return Verdict("unknown", "timeout" if isinstance(error, TimeoutError) else "internal")

    async def _report(self, claim: EdgeClaim, verdict: Verdict) -> None:
        outcome = EdgeOutcome(
            attempt=claim.attempt, verdict=verdict.state,
            code=verdict.code if _CODE.fullmatch(verdict.code) else "other",
            retry_after_seconds=verdict.retry_after_seconds,
        )  # fmt: skip
        for tries in range(1, _REPORTS_MAX + 1):
            try:
                await self._hub.report(outcome)
                return
            except SampanError as error:
                if not error.retryable:
                    _log.error("edge_outcome_refused", error=error.code)
                    return
                await self._clock.sleep(self._pause(tries, error))
        _log.error("edge_outcome_lost", error="no-connection")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The work's result, or None if ``stop`` comes first; then the work is cut."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, stopping):
            one.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


async def _ended(running: set[asyncio.Task[None]]) -> None:
    """Let calls end and be reported; what is cut then is unknown, as after a crash."""
    if running:
        _, still = await asyncio.wait(running, timeout=_DRAIN_SECONDS)
        for task in still:
            task.cancel()
        await asyncio.gather(*still, return_exceptions=True)

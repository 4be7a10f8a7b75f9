"""Edges in agencies' own houses: they claim their lanes, get what is sealed to their key, and say what came of it.

The claim, the record of the opening and the outcome are the worker's own (:mod:`services.delivery.attempts`); an
outcome that never comes is unknown, as after a crash of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any, Final
from uuid import UUID

from adapters.exchange import Verdict
from contracts.edge_api import EdgeAsk, EdgeClaim, EdgeClaims, EdgeOutcome, EdgeRecorded
from contracts.errors import InvalidInput, NotFound
from contracts.sealing.release import EdgePublicKey
from contracts.topic_names import DISPATCHES
from routing.directory import Directory
from services.delivery import edge_keys, lanes, store
from services.delivery.attempts import CALL_SECONDS_MAX, CLOSED, Attempt, Attempts
from services.edge.release import Release, Releaser
from services.edge.targets import OPENING
from services.edge.tell import Ticket
from services.runtime.store.postgres import PostgresStore

_POLL_SECONDS: Final = 1.0


class EdgeDesk:
    """Serves edges. The agency is always an argument, proven by its token, and never a field of what is asked."""

    def __init__(
        self, store_: PostgresStore, directory: Directory, attempts: Attempts, releaser: Releaser
    ) -> None:
        self._store, self._directory = store_, directory
        self._attempts, self._releaser = attempts, releaser

    async def enrol(self, agency_id: UUID, public_key: bytes) -> tuple[EdgePublicKey, list[str]]:
        """Let an agency's edge perform its channels from now on; returns its key and those channels.

        Raises:
            InvalidInput: no key, or none of the agency's channels tells groups.
            Conflict: ``edge-key-ended``.
        """
        key = EdgePublicKey(public_key)
        channels = [name for name in self._directory.by_id(agency_id).channels if name in OPENING]
        if not channels:
            raise InvalidInput(
                "the directory names no channel of this agency that an edge could perform", code="no-edge-channel",
                field="channels", remedy="Ask the operator to add one of: " + ", ".join(OPENING) + ".",
            )  # fmt: skip
        async with self._store.unit_of_work() as work:
            await edge_keys.add(work.connection, agency_id, key, work.now)
        return key, channels

    async def claims(
        self, agency_id: UUID, ask: EdgeAsk, gone: Callable[[], Awaitable[bool]], closing: asyncio.Event
    ) -> EdgeClaims:
        """Attempts for this agency's edge; waits for the first as long as asked.

        Args:
            gone: whether who asked has hung up: nothing is claimed for nobody.

        Raises:
            NotAllowed: ``edge-key-unknown``.
        """
        clock, wake = self._store.clock, self._store.wake
        began = clock.now()
        while True:
            seen = wake.seen([DISPATCHES])
            waited = (clock.now() - began).total_seconds()
            attempts = [] if await gone() else await self._claim(agency_id, ask)
            given = [_claim(one, one.ready) for one in attempts if not isinstance(one.ready, Verdict)]
            left = min(ask.wait_seconds - waited, _POLL_SECONDS)
            if given or left <= 0 or closing.is_set() or await gone():
                return EdgeClaims(claims=given, call_within_seconds=CALL_SECONDS_MAX, waited_seconds=waited)
            if not attempts:
                await wake.wait([DISPATCHES], seen, timeout_seconds=left)

    async def outcome(self, agency_id: UUID, said: EdgeOutcome) -> EdgeRecorded:
        """Record what an attempt came to. The first outcome counts; that of a lost claim changes no lane.

        Raises:
            NotFound: no attempt of this agency's edge.
        """
        async with self._store.pool.acquire() as connection:
            found = await lanes.started(connection, said.attempt)
            if found is None or not found[1].startswith(_owner(agency_id, "")):
                raise _unknown_attempt()
            held, owner, outcome = found
            row = (await store.load(connection, [held.dispatch_id]))[held.dispatch_id]
        if outcome is not None:
            return EdgeRecorded(recorded=False)
        # What the vault says of a gate ends a dispatch without a word; an edge cannot say it.
        code = "edge-refused" if said.code in CLOSED else said.code
        verdict = Verdict(said.verdict, code, retry_after_seconds=said.retry_after_seconds)
        await self._attempts.record(said.attempt, held, row, owner, verdict)
        return EdgeRecorded(recorded=True)

    async def _claim(self, agency_id: UUID, ask: EdgeAsk) -> list[Attempt[Release]]:
        async with self._store.unit_of_work() as work:
            key = await edge_keys.asked(work.connection, agency_id, ask.key_id, work.now)
        owner = _owner(agency_id, ask.key_id)
        attempts = await self._attempts.claim(
            owner, ask.limit, partial(self._prepare, key), edge_of=agency_id
        )
        for one in attempts:
            if isinstance(one.ready, Verdict):
                await self._attempts.record(one.attempt_id, one.claim, one.dispatch, owner, one.ready)
        return attempts

    async def _prepare(
        self, key: EdgePublicKey, connection: Any, ticket: Ticket, now: datetime
    ) -> Release | Verdict:
        return await self._releaser.prepare(connection, ticket, now, key)


def _claim(attempt: Attempt[Release], release: Release) -> EdgeClaim:
    return EdgeClaim(
        attempt=attempt.attempt_id, dispatch=attempt.dispatch.alias, channel=attempt.claim.channel,
        order=release.order, keys=release.keys,
    )  # fmt: skip


def _owner(agency_id: UUID, key_id: str) -> str:
    """An edge's name among those who claim lanes."""
    return f"edge/{agency_id}/{key_id}"


def _unknown_attempt() -> NotFound:
    return NotFound(
        "no such attempt is this edge's", code="unknown-attempt", field="attempt",
        remedy="Report the attempts that /v1/edge/claims gave, each once.",
    )  # fmt: skip

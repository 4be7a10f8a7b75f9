"""Primero for tests: the demo's server with ids and time that a test can name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from deploy.demo.primero_server import Effect, Fault, PrimeroServer

__all__ = ["Effect", "Fault", "PrimeroServer", "numbered_ids", "running_primero"]

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def numbered_ids() -> Callable[[], UUID]:
    """Ids 1, 2, 3 … as UUIDs."""
    numbers = count(1)
    return lambda: UUID(int=next(numbers))


@asynccontextmanager
async def running_primero(
    *, unwritable: frozenset[str] = frozenset(), now: Callable[[], datetime] = lambda: START
) -> AsyncIterator[PrimeroServer]:
    """A server on loopback for the length of a block."""
    server = PrimeroServer(now=now, new_id=numbered_ids(), unwritable=unwritable)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()

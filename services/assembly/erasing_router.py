"""The router's part of an erasure, where its rows are in the hub's database or in one of their own.

Two databases have no common transaction. Her key goes with the hub's: whatever the router still holds of her can be
read by nobody from then on. What waits there about her is closed afterwards, and closing it again changes nothing; so
where that fails, she who asked is told, and asking again finishes it. Before, with a router out of reach, nothing is
destroyed: whether an event about others still waits could not be seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.errors import TryLater
from services.assembly.instance import Instance
from services.runtime.failures import is_transient

_WAIT_SECONDS: Final = 0.3


class RouterSide:
    """One erasure's way to the router that decides her case."""

    def __init__(self, instance: Instance) -> None:
        self._instance, self._homes = instance, instance.edges.homes

    async def let_it_come(self) -> None:
        """Let the router fold what waits: here, or by giving another process a moment."""
        if self._homes is None:
            await self._instance.router.run_once()
        else:
            await self._instance.edges.clock.sleep(_WAIT_SECONDS)

    @asynccontextmanager
    async def reached(self, subject: UUID) -> AsyncIterator[Any]:
        """A connection to her router's own database; None where it is the hub's.

        Raises:
            TryLater: ``router-away``.
        """
        if self._homes is None:
            yield None
            return
        async with self._instance.edges.store.pool.acquire() as hub:
            case_id = await hub.fetchval("select case_id from intake.subjects where subject_id = $1", subject)
            async with self._homes.of_case(hub, case_id) as connection:
                yield connection

    async def close(self, connection: Any, subject: UUID, now: datetime) -> None:
        """Close what waits about her at the router.

        Args:
            connection: the hub's, in the transaction in which her key goes; or what :meth:`reached` gave, after it.

        Raises:
            TryLater: ``erasure-unfinished``; only of a database of its own.
        """
        try:
            async with connection.transaction():
                await connection.execute("delete from router.timers where subject_id = $1", subject)
                await connection.execute(
                    "update router.reviews set state = 'refused', closed_at = $2"
                    " where subject_id = $1 and state = 'open'",
                    *(subject, now),
                )
                await connection.execute(
                    "update router.subject_state set sealed = null where subject_id = $1", subject
                )
        except Exception as error:
            if self._homes is None or not is_transient(error):
                raise
            raise TryLater(
                "her key is destroyed; what waits about her at the router is not closed yet",
                code="erasure-unfinished", remedy="Ask again and confirm, which finishes it.",
            ) from None  # fmt: skip

"""The databases of routers, for those who read them all: the portal, the review desk, an erasure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.errors import TryLater
from contracts.ids import Random
from routing.directory import Directory
from services.router.desks import Desk, Desks
from services.router.reviews import Reviews
from services.runtime.failures import is_transient
from services.runtime.log import LogReader, partition_of
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class RouterHome:
    """One router's database and the partitions whose cases it holds."""

    partitions: frozenset[int]
    store: PostgresStore


class RouterHomes:
    """Every router's database.

    Args:
        vault: works whichever database the caller's transaction is in.
    """

    def __init__(self, homes: Sequence[RouterHome], vault: VaultDoor) -> None:
        self.all, self._vault = tuple(homes), vault

    @property
    def logs(self) -> Sequence[LogReader]:
        """Their logs, as their tables have them."""
        return [home.store.log for home in self.all]

    def desks(self, directory: Directory, random: Random) -> Desk:
        """The review desk over all of them."""
        return Desks([Reviews(home.store, self._vault, directory, random) for home in self.all])

    def of(self, log_key: UUID) -> PostgresStore:
        """Where the cases of a log key are decided."""
        partition = partition_of(log_key)
        return next(home.store for home in self.all if partition in home.partitions)

    @asynccontextmanager
    async def of_case(self, connection: Any, case_id: UUID) -> AsyncIterator[Any]:
        """A connection to where a case is decided. ``connection``: to the hub's database.

        Raises:
            TryLater: ``router-away``.
        """
        log_key = await connection.fetchval("select log_key from intake.cases where case_id = $1", case_id)
        async with AsyncExitStack() as stack:
            try:
                found = await stack.enter_async_context(self.of(log_key).pool.acquire())
            except Exception as error:
                if is_transient(error):
                    raise router_away() from None
                raise
            yield found


def router_away() -> TryLater:
    """A router's database cannot be reached now."""
    return TryLater("what was decided about this case cannot be read now", code="router-away",
                    remedy="Try again in a moment; the operator looks after the router's database.")  # fmt: skip

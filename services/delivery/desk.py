"""The operator's view of lanes."""

from __future__ import annotations

from uuid import UUID

from contracts.api import LaneItem
from routing.directory import Directory
from services.delivery import lanes
from services.runtime.store.postgres import PostgresStore


class LaneDesk:
    """Lists lanes in trouble and lets parked ones go."""

    def __init__(self, store_: PostgresStore, directory: Directory) -> None:
        self._store, self._directory = store_, directory

    async def list(self, *, everything: bool = False) -> list[LaneItem]:
        """Lanes that are parked, unknown or retrying; with ``everything`` the flowing ones too."""
        names = {agency.agency_id: agency.slug for agency in self._directory.agencies}
        async with self._store.pool.acquire() as connection:
            return await lanes.troubled(connection, names, everything=everything)

    async def release(self, lane: UUID) -> bool:
        """Let a parked lane try again now; False where none such is parked."""
        async with self._store.unit_of_work() as work:
            return await lanes.release(work.connection, lane, work.now)

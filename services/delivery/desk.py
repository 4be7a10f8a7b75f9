"""The operator's desk: what waits for a person, lanes to the outside and keys that a fold could not apply."""

from __future__ import annotations

from uuid import UUID

from contracts.api import DeadLetterCount, LaneItem
from routing.directory import Directory
from services.delivery import lanes
from services.runtime.dead_letters import waiting_by_topic
from services.runtime.parking import ParkedKey, list_parked, request_release
from services.runtime.store.postgres import PostgresStore


class LaneDesk:
    """Lists what is late or parked and lets it go."""

    def __init__(self, store_: PostgresStore, directory: Directory) -> None:
        self._store, self._directory = store_, directory

    async def dead_letters(self) -> list[DeadLetterCount]:
        """How many wait, by topic; topics without any are absent."""
        counts = await waiting_by_topic(self._store.pool)
        return [DeadLetterCount(topic=topic, waiting=waiting) for topic, waiting in counts.items()]

    async def list(self, *, everything: bool = False) -> list[LaneItem]:
        """Lanes that are parked, unknown or retrying (with ``everything`` the flowing ones too), then parked keys."""
        names = {agency.agency_id: agency.slug for agency in self._directory.agencies}
        async with self._store.pool.acquire() as connection:
            troubled = await lanes.troubled(connection, names, everything=everything)
        return troubled + [_of_key(parked) for parked in await list_parked(self._store.pool)]

    async def release(self, lane: UUID) -> bool:
        """Let a parked lane or key try again now; False where none such is parked."""
        async with self._store.unit_of_work() as work:
            if await lanes.release(work.connection, lane, work.now):
                return True
        parked = [one for one in await list_parked(self._store.pool) if one.key == lane]
        asked = [await request_release(self._store.pool, one.consumer, one.key) for one in parked]
        return any(asked)


def _of_key(parked: ParkedKey) -> LaneItem:
    """A key that a consumer could not fold: everything of that case waits there, in order."""
    return LaneItem(
        lane=parked.key,
        recipient=parked.consumer,
        channel="fold",
        waiting=parked.records,
        state="parked",
        attempts=1,
        error_code=parked.error_code,
    )

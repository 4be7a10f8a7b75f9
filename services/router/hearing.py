"""What a router with a database of its own has heard of what was said to the hub.

In one log an answer that was recorded before a timer fires stands before it. In two logs it may still be on its way
over Kafka when the timer fires, and a deadline would be called missed that was kept. So no timer fires before
everything that the hub held at that moment has been folded here. A hub that cannot be asked makes deadlines late,
never wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from contracts.topic_names import CASE_EVENTS
from services.runtime.log.postgres import PostgresLogReader
from services.runtime.positions import applied_offsets

_NOTHING: Final = datetime.min.replace(tzinfo=UTC)


class Hearing:
    """See :data:`services.router.timers.HeardUntil`.

    Args:
        consumer: the router's name among the consumers.
        hub: the log of the hub's database, as its table has it.
        pool: to the router's own database.
        partitions: those that are folded here.
    """

    def __init__(
        self, consumer: str, hub: PostgresLogReader, hub_id: UUID, pool: asyncpg.Pool, partitions: Collection[int]
    ) -> None:  # fmt: skip
        self._consumer, self._hub, self._hub_id, self._pool = consumer, hub, hub_id, pool
        self._partitions = frozenset(partitions)
        self._until = _NOTHING
        self._asked: tuple[datetime, dict[int, int]] | None = None

    async def __call__(self, now: datetime) -> datetime:
        """Asks the hub how far it is, and stays with that answer until it is reached: a busy hub is always ahead."""
        if self._asked is None:
            heads = await self._hub.heads(CASE_EVENTS)
            self._asked = (now, {p: head for p, head in heads.items() if p in self._partitions})
        asked_at, heads = self._asked
        applied = await applied_offsets(self._pool, self._consumer, CASE_EVENTS, self._hub_id)
        if all(applied.get(partition, -1) >= head for partition, head in heads.items()):
            self._until, self._asked = asked_at, None
        return self._until

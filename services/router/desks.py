"""The review desk over several routers' databases, as if it were one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from contracts.api import ReviewItem
from contracts.errors import NotFound
from services.router.reviews import Reviews, no_review
from services.runtime.registry import Caller

_LAST: Final = datetime.max.replace(tzinfo=UTC)


class Desk(Protocol):
    """What waits for a person: see :class:`services.router.reviews.Reviews`."""

    async def list(self, caller: Caller, *, everything: bool = False) -> list[ReviewItem]:
        """The questions the caller may see, soonest deadline first."""
        ...

    async def show(self, caller: Caller, review_id: UUID) -> ReviewItem:
        """One question."""
        ...

    async def resolve(
        self, caller: Caller, review_id: UUID, action: str, reason: str, second: str | None,
        limit: str | None = None,
    ) -> ReviewItem:  # fmt: skip
        """Answer a question."""
        ...


class Desks:
    """One desk of several. A question lives where its case is folded, and is answered there.

    Args:
        desks: one for each router's database.
    """

    def __init__(self, desks: Sequence[Reviews]) -> None:
        self._desks = tuple(desks)

    async def list(self, caller: Caller, *, everything: bool = False) -> list[ReviewItem]:
        """All of them; if one database is away, none: half a list looks like a whole one."""
        found = [item for desk in self._desks for item in await desk.list(caller, everything=everything)]
        return sorted(
            found, key=lambda i: (i.state != "open", i.deadline_at or _LAST, i.opened_at, i.review.bytes)
        )

    async def show(self, caller: Caller, review_id: UUID) -> ReviewItem:
        """Raises NotFound: none that this caller may know of."""
        for desk in self._desks:
            try:
                return await desk.show(caller, review_id)
            except NotFound:
                continue
        raise no_review()

    async def resolve(
        self, caller: Caller, review_id: UUID, action: str, reason: str, second: str | None,
        limit: str | None = None,
    ) -> ReviewItem:  # fmt: skip
        """As :meth:`Reviews.resolve`."""
        for desk in self._desks:
            try:
                return await desk.resolve(caller, review_id, action, reason, second, limit)
            except NotFound:
                continue
        raise no_review()

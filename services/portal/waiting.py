"""What waits for a viewer, by deadline: unanswered dispatches and open reviews."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from contracts.api import ReviewItem, WaitingItem
from contracts.roles import Priority
from contracts.task_status import REQUESTED
from services.edge.envelope import open_envelope
from services.portal import store
from services.runtime.registry import Caller
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor

ReviewsOf = Callable[[Caller], Awaitable[list[ReviewItem]]]
_LAST = datetime.max.replace(tzinfo=UTC)


class Waiting:
    """The desk of one agency.

    Args:
        reviews_of: the open reviews that a caller may answer.
    """

    def __init__(self, store_: PostgresStore, vault: VaultDoor, reviews_of: ReviewsOf) -> None:
        self._store, self._vault, self._reviews_of = store_, vault, reviews_of

    async def list(self, caller: Caller) -> list[WaitingItem]:
        """Everything that waits for the caller, soonest deadline first."""
        async with self._store.pool.acquire() as connection:
            rows = await store.unanswered(connection, caller.agency_id)
            keys = await self._vault.facts_keys(connection, {row.subject_id for row in rows})
        items = [self._dispatch(row, keys[row.subject_id], caller) for row in rows if row.subject_id in keys]
        items += [_review(review) for review in await self._reviews_of(caller)]
        return sorted(items, key=lambda item: item.deadline_at or _LAST)

    def _dispatch(self, row: store.ReceivedRow, key: bytes, caller: Caller) -> WaitingItem:
        dispatch = open_envelope(key, row.dispatch_id, row.sealed, row.narrowed)
        unread = row.status == REQUESTED and row.acknowledge_by is not None
        return WaitingItem(
            kind="answer" if unread else "decision",
            deadline_at=row.acknowledge_by if unread else row.decide_by,
            case_code=self._vault.case_code(row.case_id, caller.agency_id),
            dispatch=row.alias,
            event=dispatch.event,
            text="Acknowledge that somebody has read it." if unread else "Accept or decline it.",
            priority=Priority(row.priority),
        )


def _review(review: ReviewItem) -> WaitingItem:
    return WaitingItem(
        kind="review",
        deadline_at=review.deadline_at,
        case_code=review.case_code,
        review=review.review,
        event=review.event,
        text=review.reason,
    )

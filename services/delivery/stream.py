"""The inbox as server-sent events: the same feed by the same cursor, pushed. A lost line resumes at its cursor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from sse_starlette import ServerSentEvent

from contracts.topic_names import DISPATCHES
from services.delivery.inbox import Inbox
from services.runtime.wake import Wake

_PAGE = 100
_POLL_SECONDS = 5.0


async def follow(
    inbox: Inbox, wake: Wake, recipient: UUID, after: int, stop: asyncio.Event
) -> AsyncIterator[ServerSentEvent]:
    """Events ``item`` with an envelope each; the event id is the cursor, so Last-Event-ID resumes gaplessly."""
    while not stop.is_set():
        seen = wake.seen([DISPATCHES])
        page = await inbox.page(recipient, after, _PAGE)
        for item in page.items:
            yield ServerSentEvent(
                data=item.model_dump_json(exclude_none=True), event="item", id=str(item.cursor)
            )
        after = page.next
        if not page.more:
            await wake.wait([DISPATCHES], seen, timeout_seconds=_POLL_SECONDS)

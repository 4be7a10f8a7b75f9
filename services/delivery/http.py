"""Delivery over HTTP: the inbox feed, opening, lanes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict

from contracts.api import DeadLetterCount, InboxItem, InboxPage, LaneItem, OpenedItem
from contracts.errors import NotAllowed, NotFound
from contracts.roles import Group
from services.delivery.desk import LaneDesk
from services.delivery.inbox import Inbox
from services.runtime.registry import Caller

CURSOR_MAX: Final = (1 << 63) - 1
Cursor = Annotated[int, Query(ge=0, le=CURSOR_MAX)]
CallerOf = Callable[[Request], Awaitable[Caller]]


class OpenRequest(BaseModel):
    """Which groups to open; empty: all that the dispatch grants."""

    model_config = ConfigDict(extra="forbid")
    groups: list[Group] = []


class Released(BaseModel):
    """Whether a lane was let go."""

    released: bool


def router(inbox: Inbox, desk: LaneDesk, caller_of: CallerOf) -> APIRouter:
    """The paths that recipients and operators use."""
    api = APIRouter()
    caller = Depends(caller_of)

    @api.get("/v1/inbox", tags=["inbox"], summary="What this agency received, from a cursor on")
    async def page(
        after: Cursor = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        who: Caller = caller,
    ) -> InboxPage:
        return await inbox.page(who.agency_id, after, limit)

    @api.get("/v1/inbox/{dispatch}", tags=["inbox"], summary="One envelope")
    async def item(dispatch: UUID, who: Caller = caller) -> InboxItem:
        return await inbox.item(who.agency_id, dispatch)

    @api.post(
        "/v1/inbox/{dispatch}/open", tags=["inbox"], summary="Open field groups; the opening is recorded"
    )
    async def open_(dispatch: UUID, wanted: OpenRequest, who: Caller = caller) -> OpenedItem:
        return await inbox.open(who.agency_id, dispatch, wanted.groups)

    @api.get("/v1/lanes", tags=["operator"], summary="Lanes that are late or parked")
    async def lanes(
        everything: Annotated[bool, Query(alias="all")] = False, who: Caller = caller
    ) -> list[LaneItem]:
        _operator(who)
        return await desk.list(everything=everything)

    @api.get("/v1/dead-letters", tags=["operator"], summary="How many records were not ours, by topic")
    async def dead_letters(who: Caller = caller) -> list[DeadLetterCount]:
        _operator(who)
        return await desk.dead_letters()

    @api.post("/v1/lanes/{lane}/release", tags=["operator"], summary="Let a parked lane try again")
    async def release(lane: UUID, who: Caller = caller) -> Released:
        _operator(who)
        if not await desk.release(lane):
            raise NotFound(
                "no such lane is parked",
                code="unknown-lane",
                field="lane",
                remedy="`sampan lanes list` shows what is.",
            )
        return Released(released=True)

    return api


def _operator(caller: Caller) -> None:
    if not caller.is_operator:
        raise NotAllowed("lanes are the operator's", code="operator-only", remedy="Use the operator's token.")

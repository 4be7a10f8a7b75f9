"""The review desk over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from contracts.api import ReviewItem
from services.router.desks import Desk
from services.runtime.registry import Caller

CallerOf = Callable[[Request], Awaitable[Caller]]


class Resolution(BaseModel):
    """A person's answer at the desk."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    action: Annotated[str, Field(max_length=20)]
    reason: Annotated[str, Field(max_length=2000)]
    second: Annotated[str, Field(max_length=100)] | None = None
    limit: Annotated[str, Field(max_length=60)] | None = None
    """A release goes no further: groups, a duration, or both (``F0 F3 30d``)."""


def router(reviews: Desk, caller_of: CallerOf) -> APIRouter:
    """The paths of the desk."""
    api = APIRouter(tags=["reviews"])
    caller = Depends(caller_of)

    @api.get("/v1/reviews", summary="Questions that wait for this agency")
    async def list_(
        everything: Annotated[bool, Query(alias="all")] = False, who: Caller = caller
    ) -> list[ReviewItem]:
        return await reviews.list(who, everything=everything)

    @api.get("/v1/reviews/{review}", summary="One question")
    async def show(review: UUID, who: Caller = caller) -> ReviewItem:
        return await reviews.show(who, review)

    @api.post("/v1/reviews/{review}/resolve", summary="Release or refuse, with a reason")
    async def resolve(review: UUID, answer: Resolution, who: Caller = caller) -> ReviewItem:
        return await reviews.resolve(who, review, answer.action, answer.reason, answer.second, answer.limit)

    return api

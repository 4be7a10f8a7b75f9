"""Timelines and what waits, over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from contracts.api import CaseTimeline, WaitingItem
from services.portal.timeline import Timelines
from services.portal.waiting import Waiting
from services.runtime.registry import Caller

CallerOf = Callable[[Request], Awaitable[Caller]]


class CaseReference(BaseModel):
    """What a viewer calls a case and its persons."""

    case_ref: UUID
    case_code: str
    subject_refs: list[UUID]


def router(timelines: Timelines, waiting: Waiting, caller_of: CallerOf) -> APIRouter:
    """The paths of the portal's data."""
    api = APIRouter(tags=["cases"])
    caller = Depends(caller_of)

    @api.get("/v1/cases/{case}", summary="What this agency calls a case and its persons")
    async def reference(case: str, who: Caller = caller) -> CaseReference:
        view = await timelines.resolve(who.agency_id, case)
        return CaseReference(
            case_ref=view.case_ref, case_code=view.case_code, subject_refs=list(view.subject_refs)
        )

    @api.get("/v1/cases/{case}/timeline", summary="Who was told what and why, as this agency may see it")
    async def timeline(case: str, who: Caller = caller) -> CaseTimeline:
        return await timelines.case(who.agency_id, case)

    @api.get("/v1/waiting", summary="What waits for this agency, soonest deadline first")
    async def waits(who: Caller = caller) -> list[WaitingItem]:
        return await waiting.list(who)

    return api

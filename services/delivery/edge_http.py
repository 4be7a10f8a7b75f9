"""Own edges over HTTP: register a key, claim what is due, say what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from contracts.edge_api import EdgeAsk, EdgeClaims, EdgeEnrolled, EdgeKey, EdgeOutcome, EdgeRecorded
from services.delivery.edges import EdgeDesk
from services.runtime.http import respond
from services.runtime.registry import Caller

CallerOf = Callable[[Request], Awaitable[Caller]]
IssueToken = Callable[[UUID], Awaitable[tuple[str, datetime]]]
"""Makes the one token of an agency's edge, and ends the earlier ones."""


def router(
    desk: EdgeDesk, slug_of: Callable[[UUID], str], issue: IssueToken, closing: asyncio.Event,
    *, caller_of: CallerOf, edge_of: CallerOf,
) -> APIRouter:  # fmt: skip
    """The paths of edges.

    Args:
        closing: set when the server stops: nobody waits on.
        caller_of: who calls in an agency's name. ``edge_of``: who calls as an agency's edge.
    """
    api = APIRouter(tags=["edge"])
    caller, edge = Depends(caller_of), Depends(edge_of)

    @api.post("/v1/edge/keys", summary="Let an edge of this agency's own perform its channels")
    async def keys(said: EdgeKey, who: Caller = caller) -> EdgeEnrolled:
        key, channels = await desk.enrol(who.agency_id, said.public_key)
        token, until = await issue(who.agency_id)
        return EdgeEnrolled(
            agency=slug_of(who.agency_id), agency_id=who.agency_id, key_id=key.key_id,
            token=token, token_expires_at=until, channels=channels,
        )  # fmt: skip

    @api.post("/v1/edge/claims", summary="Claim due attempts; waits for the first", response_model=EdgeClaims)
    async def claims(ask: EdgeAsk, request: Request, who: Caller = edge) -> Response:
        return respond(await desk.claims(who.agency_id, ask, request.is_disconnected, closing))

    @api.post("/v1/edge/outcomes", summary="Say what an attempt came to; the same again changes nothing")
    async def outcomes(said: EdgeOutcome, who: Caller = edge) -> EdgeRecorded:
        return await desk.outcome(who.agency_id, said)

    return api

"""The HTTP application: every room's paths, one way to be known, one way to fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Depends, FastAPI, Header, Request
from fastapi_offline import FastAPIOffline
from sse_starlette import EventSourceResponse

from contracts.api import AgencyInfo, InstanceInfo, SubmitReceipt
from contracts.topic_names import DISPATCHES
from routing.agency import Agency
from services.assembly.assisted import said_by
from services.assembly.edge_tokens import an_edge, edge_router, no_edge
from services.assembly.erasure import Erasure
from services.assembly.erasure import router as erasure_router
from services.assembly.gauges import measured
from services.assembly.health import NO_TELEMETRY, health_router
from services.assembly.http_server import Running
from services.assembly.instance import VERSION, Instance
from services.assembly.openapi import describe_paths
from services.assembly.schema_http import router as schema_router
from services.delivery import http as delivery_http
from services.delivery.http import CURSOR_MAX, Cursor
from services.delivery.stream import follow
from services.edge.losses import losses_of
from services.intake import http as intake_http
from services.portal import http as portal_http
from services.router import http as router_http
from services.runtime.http import ERROR_HANDLERS, LastResort, bearer, caller_of
from services.runtime.registry import Caller

DESCRIPTION: Final = """
Carries case referrals across borders: to everyone who must act, to nobody else, with proof.

Sign in with `Authorization: Bearer …`. Problems are RFC 9457 and name the field and the remedy, never a value.
"""


def make_app(instance: Instance, *, serve_services: bool = True, running: Running | None = None) -> FastAPI:
    """The application over a wired instance.

    Args:
        running: the services of this process; all of the instance's if not given.
        serve_services: also run the consumers while the application lives; tests that settle by hand say False.
    """
    running, closing = running or Running(instance.run), asyncio.Event()

    def close_streams() -> None:
        """End the streams, which never end by themselves; a server calls it when it is told to stop."""
        closing.set()
        instance.edges.store.wake.signal([DISPATCHES])

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if serve_services:
            running.start()
        yield
        await running.drain()

    # The documentation's scripts come from this machine: a bad line must not leave /docs empty.
    app = FastAPIOffline(
        title="Sampan", version=VERSION, description=DESCRIPTION, lifespan=lifespan, telemetry=NO_TELEMETRY
    )
    app.state.close_streams = close_streams

    async def known(request: Request) -> Caller:
        bearer(request)  # refuse before a connection is taken
        async with instance.edges.store.pool.acquire() as connection:
            return await caller_of(request, connection, instance.edges.clock.now())

    async def caller(request: Request) -> Caller:
        return no_edge(await known(request))

    async def edge(request: Request) -> Caller:
        return an_edge(await known(request))

    async def assist(raw: bytes, agency: UUID) -> SubmitReceipt:
        prepared = instance.assisted.prepare(raw, agency, instance.info)
        return await instance.submit(prepared.submission, agency, said_by(raw))

    app.router.routes.extend(intake_http.routes(instance.batcher, caller, assist))
    _add_stream(app, instance, caller, closing)
    app.include_router(delivery_http.router(instance.inbox, instance.lane_desk, caller))
    app.include_router(edge_router(instance, closing, caller, edge))
    app.include_router(portal_http.router(instance.timelines, instance.waiting, caller))
    app.include_router(router_http.router(instance.reviews, caller))
    app.include_router(erasure_router(Erasure(instance), caller))
    app.include_router(schema_router())
    _add_directory(app, instance, caller)
    app.include_router(health_router(instance.edges.store.pool, running, lambda: measured(instance)))
    for kind, handler in ERROR_HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(LastResort)
    describe_paths(app)
    return app


def _add_stream(app: FastAPI, instance: Instance, caller: Any, closing: asyncio.Event) -> None:
    who_calls = Depends(caller)

    @app.get("/v1/inbox/stream", tags=["inbox"], summary="The inbox as server-sent events")
    async def stream(
        after: Cursor = 0,
        last_event_id: Annotated[int | None, Header(ge=0, le=CURSOR_MAX)] = None,
        who: Caller = who_calls,
    ) -> EventSourceResponse:
        start = after if last_event_id is None else last_event_id
        return EventSourceResponse(
            follow(instance.inbox, instance.edges.store.wake, who.agency_id, start, closing), ping=20
        )


def _add_directory(app: FastAPI, instance: Instance, caller: Any) -> None:
    who_calls = Depends(caller)
    directory, clock = instance.edges.directory, instance.edges.clock

    @app.get("/v1/instance", tags=["directory"], summary="What an edge must know before it seals")
    async def info() -> InstanceInfo:
        return instance.info

    @app.get("/v1/me", tags=["directory"], summary="Who this token speaks for")
    async def me(who: Caller = who_calls) -> AgencyInfo:
        if who.agency_id == instance.edges.instance_id:
            return _operator(instance)
        return agency_info(directory.by_id(who.agency_id), clock.now())

    @app.get("/v1/agencies", tags=["directory"], summary="The directory")
    async def agencies(_who: Caller = who_calls) -> list[AgencyInfo]:
        return [agency_info(agency, clock.now()) for agency in directory.agencies]

    @app.get(
        "/v1/agencies/{slug}/losses", tags=["directory"], summary="What a recipient's system cannot hold"
    )
    async def losses(slug: str, _who: Caller = who_calls) -> dict[str, Any]:
        return losses_of(directory.by_slug(slug).channels)


def _operator(instance: Instance) -> AgencyInfo:
    return AgencyInfo(
        agency="operator", agency_id=instance.edges.instance_id, name="The operator of this instance", roles=[],
        country="", timezone="UTC",
    )  # fmt: skip


def agency_info(agency: Agency, at: Any) -> AgencyInfo:
    """An agency as everybody may see it."""
    return AgencyInfo(
        agency=agency.slug,
        agency_id=agency.agency_id,
        name=agency.name,
        roles=[str(address) for address in agency.addresses(at)],
        country=agency.country,
        mission_of=agency.mission_of or None,
        timezone=agency.timezone,
        languages=list(agency.languages),
    )

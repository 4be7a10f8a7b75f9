"""Whether a process lives, is ready, and what it has counted: the same three paths for every service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.responses import Response

from contracts.errors import TryLater
from services.assembly.http_server import Running
from services.runtime.http import ERROR_HANDLERS, LastResort

_PROMETHEUS: Final = "text/plain; version=0.0.4"
NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False}
"""The framework does not trace by itself: its spans carry the path as typed, and people type names."""


def health_router(pool: asyncpg.Pool, running: Running, metrics: Callable[[], Awaitable[bytes]]) -> APIRouter:
    """``/healthz``, ``/readyz`` and ``/metrics``."""
    api = APIRouter(tags=["operator"])

    @api.get("/healthz", summary="The process lives")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @api.get("/readyz", summary="The services run and the database answers")
    async def readyz() -> dict[str, str]:
        if running.ended.is_set():
            raise TryLater("the services of this process have ended", code="services-ended",
                           remedy="Restart it; the log names the error.")  # fmt: skip
        if running.stop.is_set():
            raise TryLater("this process is stopping", code="stopping", remedy="Ask another one.")
        async with pool.acquire() as connection:
            await connection.fetchval("select 1")
        return {"status": "ready"}

    @api.get("/metrics", summary="Prometheus text format")
    async def text() -> Response:
        return Response(await metrics(), media_type=_PROMETHEUS)

    return api


def health_app(pool: asyncpg.Pool, running: Running, metrics: Callable[[], Awaitable[bytes]]) -> FastAPI:
    """The application of a service that has no API of its own."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        running.start()
        yield
        await running.drain()

    app = FastAPI(title="Sampan service", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None,
                  telemetry=NO_TELEMETRY)  # fmt: skip
    app.include_router(health_router(pool, running, metrics))
    for kind, handler in ERROR_HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(LastResort)
    return app

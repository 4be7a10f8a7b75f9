"""``sampan edge run``: an agency's own edge as a process, in the agency's house. No database, no vault, no Kafka."""

from __future__ import annotations

import asyncio
import random as jitter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.errors import InvalidInput, SampanError, SetupProblem
from services.assembly.http_server import Running, serve_app
from services.assembly.settings import HttpSettings
from services.assembly.targets import load_targets
from services.client.edge_home import EdgeHome, read_edge_home
from services.client.edge_line import HubLine
from services.client.edge_loop import OwnEdge
from services.edge.targets import OPENING, PrimeroTarget
from services.runtime.clock import SystemClock
from services.runtime.telemetry.logs import configure_logs
from services.runtime.telemetry.metrics import Metrics

PORT: Final = 8429
_PROMETHEUS: Final = "text/plain; version=0.0.4"


@dataclass(frozen=True, slots=True)
class _OneAgency:
    """The directory of an edge: its own agency, and nobody else's."""

    slug: str

    def has(self, slug: str) -> bool:
        return slug == self.slug


def run_edge(
    home: Path, targets: Path, http: HttpSettings, say: Callable[[str], None], *, allow_loopback: bool
) -> None:
    """Run until SIGTERM or Ctrl-C: calls under way end and are reported.

    Args:
        home: what ``sampan edge init`` made.
        targets: where the agency's own systems are; see :mod:`services.assembly.targets`.
        allow_loopback: the demo's systems are on this machine and speak plain HTTP.

    Raises:
        SetupProblem: nothing is registered in ``home``, its files are open to others, the port is in use …
        InvalidInput: the file of targets names another agency, or no system that an edge performs.
    """
    configure_logs()
    registered = read_edge_home(home)
    systems = _systems(registered, targets, allow_loopback)
    asyncio.run(_run(registered, systems, http, say))
    say("edge stopped")


def _systems(home: EdgeHome, path: Path, allow_loopback: bool) -> dict[str, PrimeroTarget]:
    found = load_targets(path, _OneAgency(home.agency), bytes(32), allow_loopback=allow_loopback)
    systems = {name: target for (_, name), target in found.items() if isinstance(target, PrimeroTarget)}
    if not systems or len(systems) < len(found):
        raise InvalidInput(
            "an own edge performs: " + ", ".join(OPENING) + "; notices to webhooks stay the hub's",
            code="bad-target", field=path.name, remedy=f"Name the system of {home.agency} there, and nothing else.",
        )  # fmt: skip
    return systems


async def _run(
    home: EdgeHome, systems: Mapping[str, PrimeroTarget], http: HttpSettings, say: Callable[[str], None]
) -> None:
    line, metrics = HubLine(home.url, home.token), Metrics()
    edge = OwnEdge(
        line, home.private, home.agency_id, systems, clock=SystemClock(),
        monotonic=asyncio.get_running_loop().time, uniform=jitter.SystemRandom().uniform, count=_counting(metrics),
    )  # fmt: skip
    running = Running(edge.run)

    async def listening() -> None:
        say(f"the edge of {home.agency} works for {home.url} with {home.private.public.key_id}")
        say(f"ready when http://{http.host}:{http.port}/readyz says so   (Ctrl-C stops)")

    try:
        await serve_app(_app(edge, running, metrics), http, running, listening)
    finally:
        await line.close()


def _counting(metrics: Metrics) -> Callable[[str], None]:
    def count(what: str) -> None:
        if what in ("answered", "silent"):
            metrics.count("sampan_edge_asks_total", hub=what)
        else:
            metrics.count("sampan_edge_attempts_total", verdict=what)

    return count


def _app(edge: OwnEdge, running: Running, metrics: Metrics) -> Starlette:
    """``/healthz``, ``/readyz`` and ``/metrics``, as every service has them."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        running.start()
        yield
        await running.drain()

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        trouble = _trouble(edge, running)
        if trouble is None:
            return JSONResponse({"status": "ready"})
        said = {
            "status": "not ready",
            "code": trouble.code,
            "detail": trouble.message,
            "remedy": trouble.remedy,
        }
        return JSONResponse(said, status_code=503, headers={"Retry-After": "2"})

    async def text(_request: Request) -> Response:
        return Response(metrics.text(), media_type=_PROMETHEUS)

    paths: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/healthz": healthz, "/readyz": readyz, "/metrics": text,
    }  # fmt: skip
    return Starlette(routes=[Route(path, answer) for path, answer in paths.items()], lifespan=lifespan)


def _trouble(edge: OwnEdge, running: Running) -> SampanError | None:
    """Why nothing would be performed now: it has ended, is stopping, or the hub does not answer it."""
    if running.ended.is_set() or running.stop.is_set():
        return SetupProblem("this edge is stopping", code="stopping", remedy="Start it again.")
    if edge.trouble is not None or edge.has_asked:
        return edge.trouble
    return SetupProblem("the hub has not answered yet", code="starting", remedy="Wait a moment.")

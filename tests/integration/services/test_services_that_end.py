"""A server whose services have ended says so, and stops."""

from __future__ import annotations

import asyncio

import httpx
from structlog.testing import capture_logs

from services.assembly.app import make_app
from services.assembly.http_server import Running
from tests.support.services_world import ServicesWorld


async def test_services_that_end_by_themselves_are_reported_and_unready(world: ServicesWorld) -> None:
    """The process lives and is not ready; the log names the error, and whoever serves it is told to stop."""

    async def broken(stop: asyncio.Event) -> None:
        raise OverflowError

    world.instance.delivery.run = broken  # type: ignore[method-assign]
    running = Running(world.instance.run)
    app = make_app(world.instance, running=running)
    transport = httpx.ASGITransport(app)
    with capture_logs() as lines:
        async with app.router.lifespan_context(app), httpx.AsyncClient(
            transport=transport, base_url="http://sampan"
        ) as client:  # fmt: skip
            await running.ended.wait()
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.json()["code"]) == (503, "services-ended")
            assert (await client.get("/healthz")).status_code == 200
    assert [line["log_level"] for line in lines if line["event"] == "services_ended"] == ["critical"]

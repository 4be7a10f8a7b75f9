"""The HTTP application over the services, called in process; tokens for whoever calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from services.assembly.app import make_app
from services.runtime import registry
from tests.support.services_world import ServicesWorld


@dataclass
class HttpWorld:
    """A client, the application, and the world behind both."""

    world: ServicesWorld
    app: FastAPI
    client: httpx.AsyncClient

    async def token(self, agency: str, *scopes: str, lasts: timedelta = timedelta(days=1)) -> dict[str, str]:
        """Headers that sign in as this agency; ``operator`` signs in as the operator."""
        if agency == "operator":
            who: UUID = self.world.instance.edges.instance_id
            scopes = ("agency", "operator")
        else:
            who = self.world.agency(agency)
        async with self.world.store.unit_of_work() as work:
            made = await registry.issue_token(
                work.connection, who, self.world.random, self.world.clock.now(),
                lasts=lasts, scopes=scopes or ("agency",),
            )  # fmt: skip
        return {"Authorization": f"Bearer {made}"}

    async def get(self, path: str, agency: str | None = None, **rest: Any) -> httpx.Response:
        headers = rest.pop("headers", {}) | (await self.token(agency) if agency else {})
        return await self.client.get(path, headers=headers, **rest)

    async def post(self, path: str, agency: str | None = None, **rest: Any) -> httpx.Response:
        headers = rest.pop("headers", {}) | (await self.token(agency) if agency else {})
        return await self.client.post(path, headers=headers, **rest)


@asynccontextmanager
async def open_http(world: ServicesWorld) -> AsyncIterator[HttpWorld]:
    """The application for the length of a block; the services run when a test settles them."""
    app = make_app(world.instance, serve_services=False)
    # What escapes is answered 500 and then raised again for the server: the client looks at the answer.
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sampan.test") as client:
        yield HttpWorld(world, app, client)


def is_problem(answer: httpx.Response, status: int, *, code: str | None = None) -> dict[str, Any]:
    """The answer as RFC 9457 problem of this status; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    if code is not None:
        assert problem["code"] == code
    return problem

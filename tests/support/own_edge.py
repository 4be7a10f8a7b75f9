"""An agency's own edge by hand: a key, a token, claims and outcomes over HTTP, one call at a time."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from contracts.edge_api import EdgeClaim, EdgeClaims, EdgeEnrolled
from contracts.sealing.release import EDGE_SEED_BYTES, Bound, EdgePrivateKey
from contracts.telling import Telling
from services.edge.opened import Opened
from services.edge.released import open_release
from tests.support.http_world import HttpWorld


@dataclass
class OwnEdge:
    """A registered edge."""

    http: HttpWorld
    private: EdgePrivateKey = field(repr=False)
    enrolled: EdgeEnrolled

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.http.post(
            path, headers={"Authorization": f"Bearer {self.enrolled.token}"}, json=body
        )

    async def ask(self, **said: Any) -> httpx.Response:
        return await self.post("/v1/edge/claims", {"key_id": self.enrolled.key_id, "limit": 16} | said)

    async def claims(self) -> list[EdgeClaim]:
        answer = await self.ask()
        assert answer.status_code == 200, answer.text
        return EdgeClaims.model_validate_json(answer.content).claims

    async def say(self, attempt: UUID, verdict: str, code: str = "ok") -> httpx.Response:
        return await self.post(
            "/v1/edge/outcomes", {"attempt": str(attempt), "verdict": verdict, "code": code}
        )

    def open(self, claim: EdgeClaim) -> tuple[Telling, Opened]:
        return open_release(self.private, self.bound(claim), claim.order, claim.keys)

    def bound(self, claim: EdgeClaim) -> Bound:
        return Bound(claim.dispatch, self.enrolled.agency_id)


async def register(http: HttpWorld, agency: str, private: EdgePrivateKey) -> httpx.Response:
    key = base64.b64encode(private.public.raw).decode()
    return await http.post("/v1/edge/keys", agency, json={"public_key": key})


async def enrolled_edge(http: HttpWorld, agency: str) -> OwnEdge:
    """A new key for this agency's edge, registered with the agency's token."""
    private = EdgePrivateKey(http.world.random(EDGE_SEED_BYTES))
    answer = await register(http, agency, private)
    assert answer.status_code == 200, answer.text
    return OwnEdge(http, private, EdgeEnrolled.model_validate_json(answer.content))

"""The line from an agency's own edge to the hub: claims and outcomes, problems in words."""

from __future__ import annotations

from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from contracts.edge_api import EdgeAsk, EdgeClaims, EdgeOutcome, EdgeRecorded
from services.client.errors import NoConnection, NotSampan
from services.client.home import LOOPBACK
from services.client.http import as_error

_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 15.0
M = TypeVar("M", bound=BaseModel)


class HubLine:
    """One edge's line. Every call is made once: when to repeat is the loop's question.

    Args:
        url: the hub's base address.
        token: the edge's own token.
        transport: how requests travel; None for the network.
    """

    def __init__(self, url: str, token: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._client = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {token}", "User-Agent": "sampan-edge"},
            follow_redirects=False, transport=transport, trust_env=urlsplit(url).hostname not in LOOPBACK,
        )  # fmt: skip

    async def ask(self, ask: EdgeAsk) -> EdgeClaims:
        """Attempts to make now. Raises SampanError by the hub's answer, or NoConnection."""
        return await self._post("/v1/edge/claims", ask, EdgeClaims, _ANSWER_SECONDS + ask.wait_seconds)

    async def report(self, outcome: EdgeOutcome) -> EdgeRecorded:
        """Say what an attempt came to; the same again does no harm."""
        return await self._post("/v1/edge/outcomes", outcome, EdgeRecorded, _ANSWER_SECONDS)

    async def close(self) -> None:
        """Let go of the line."""
        await self._client.aclose()

    async def _post(self, path: str, body: BaseModel, answer: type[M], read_seconds: float) -> M:
        timeout = httpx.Timeout(read_seconds, connect=_CONNECT_SECONDS)
        try:
            response = await self._client.post(
                path,
                content=body.model_dump_json(),
                headers={"Content-Type": "application/json"},
                timeout=timeout,
            )
        except httpx.HTTPError:
            raise NoConnection(
                f"no answer from the hub at {self._url}.",
                field="url",
                remedy="Is this machine online, and the hub running? The edge goes on asking.",
            ) from None
        if response.status_code != 200:
            raise as_error(response)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            raise NotSampan(
                "the hub's answer is not one that Sampan gives.",
                field="url",
                remedy="Check the address in edge.json, and that both sides are of one version.",
            ) from None

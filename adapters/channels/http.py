"""Calls over HTTP: https only, one resolution, no private networks, no redirects, bounded answers and times.

The outcome says what may be done next: a :class:`Reply`, or a :class:`NoReply` that tells "nothing was
sent" from "sent, and nobody knows". Errors carry codes; no address, body or header of a call ever reaches a
message.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any, Final, Protocol

import httpx
import orjson

from adapters.channels.addresses import Resolver, allowed, system_resolver
from adapters.exchange import Call, Exchange, NoReply, Reply, Verdict
from contracts.errors import NotAllowed, SetupProblem

BODY_BYTES_MAX: Final = 1024 * 1024
_HOST: Final = re.compile(rb"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")


class Channel(Protocol):
    """Anything that can perform a call."""

    async def perform(self, call: Call) -> Reply | NoReply:
        """Send it once. Never repeats by itself: whether to repeat is the lane's question."""
        ...


async def converse(step: Exchange | Verdict, channel: Channel) -> Verdict:
    """Run an exchange to its end. An address that we may not go to ends it as refused."""
    while not isinstance(step, Verdict):
        try:
            reply = await channel.perform(step.call)
        except NotAllowed as refusal:
            return Verdict("refused", refusal.code, field=refusal.field, remedy=refusal.remedy)
        step = step.after(reply)
    return step


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User and password of a service user. Prints neither."""

    user: str
    password: str

    def header(self) -> str:
        """RFC 7617, UTF-8."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __repr__(self) -> str:
        return "BasicAuth(▒▒▒)"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each part of a call. ``read`` is between two pieces, ``total`` caps the whole answer."""

    connect_seconds: float = 10.0
    read_seconds: float = 20.0
    total_seconds: float = 30.0


class HttpChannel:
    """One agency's address.

    Args:
        base: ``https://host[:port][/path]``.
        auth: Basic credentials; None for signed webhooks, whose calls bring their own headers.
        resolver: how names become addresses.
        allow_insecure_loopback: http, and this machine's own addresses, for the demo and tests alone.

    Raises:
        SetupProblem: the address is not https, or holds credentials, query or fragment.
    """

    def __init__(
        self,
        base: str,
        auth: BasicAuth | None = None,
        *,
        resolver: Resolver = system_resolver,
        allow_insecure_loopback: bool = False,
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        self._base = _checked(base, allow_insecure_loopback)
        self._auth = auth
        self._resolver = resolver
        self._loopback = allow_insecure_loopback
        self._timeouts = timeouts

    async def perform(self, call: Call) -> Reply | NoReply:
        """Send one call.

        Raises:
            NotAllowed: the name leads to a private network, or http to anything but this machine.
        """
        port = self._base.port or (443 if self._base.scheme == "https" else 80)
        try:
            addresses = await self._resolver(self._base.host, port)
        except (
            OSError,
            UnicodeError,
        ):  # the latter: a name that cannot be one, with a label empty or too long
            return NoReply(sent=False, code="no-address")
        address = allowed(addresses, allow_loopback=self._loopback)
        if self._base.scheme == "http" and not ip_address(address).is_loopback:
            raise NotAllowed(
                "plain http leaves this machine",
                code="not-https",
                field="channel address",
                remedy="Use https.",
            )
        return await self._send(call, address)

    async def _send(self, call: Call, address: str) -> Reply | NoReply:
        limits = httpx.Limits(max_connections=1, max_keepalive_connections=0)
        t = self._timeouts
        timeout = httpx.Timeout(t.read_seconds, connect=t.connect_seconds)
        # A fresh connection each time: on one kept open, the other side's farewell looks like a lost answer.
        # trust_env off: a proxy named in the environment would resolve the name a second time.
        async with httpx.AsyncClient(
            follow_redirects=False, trust_env=False, timeout=timeout, limits=limits, verify=_trusted()
        ) as client:
            request = self._request(client, call, address)
            return await _outcome(client, request, t.total_seconds)

    def _request(self, client: httpx.AsyncClient, call: Call, address: str) -> httpx.Request:
        path = self._base.path.rstrip("/") + call.path
        url = self._base.copy_with(host=address, path=path, query=None)
        headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "sampan",
        } | dict(call.headers)
        headers["host"] = self._base.netloc.decode()
        if self._auth is not None:
            headers["authorization"] = self._auth.header()
        body = call.body
        if body is None and call.json is not None:
            body = orjson.dumps(call.json)
            headers["content-type"] = "application/json"
        return client.build_request(
            call.method,
            url,
            params=dict(call.query) or None,
            content=body,
            headers=headers,
            extensions={"sni_hostname": self._base.host},
        )


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities we trust, read once: made anew for each call they cost 22 ms of the loop that all calls share."""
    return httpx.create_ssl_context(trust_env=False)


def _checked(base: str, loopback: bool) -> httpx.URL:
    try:
        url = httpx.URL(base)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = httpx.URL("")
    plain = _HOST.fullmatch(url.raw_host) and url.scheme in ("https", "http")
    if not plain or url.userinfo or url.query or url.fragment:
        raise SetupProblem(
            "the channel's address is not usable",
            code="bad-address",
            field="channel address",
            remedy="Write https://host/path, without credentials, query or fragment.",
        )
    if url.scheme == "http" and not loopback:
        raise SetupProblem(
            "the channel's address is not encrypted",
            code="not-https",
            field="channel address",
            remedy="Use https; plain http is for the demo on this machine alone.",
        )
    return url


async def _outcome(
    client: httpx.AsyncClient, request: httpx.Request, total_seconds: float
) -> Reply | NoReply:
    """Send and read, telling apart what never left from what left and found no answer."""
    try:
        async with asyncio.timeout(total_seconds):
            response = await client.send(request, stream=True)
            try:
                content = await _bounded(response)
            finally:
                await response.aclose()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
        return NoReply(sent=False, code="no-connection")
    except (httpx.TimeoutException, TimeoutError):
        return NoReply(sent=True, code="timeout")
    except (httpx.HTTPError, httpx.StreamError):
        return NoReply(sent=True, code="broken-connection")
    if content is None:
        return NoReply(sent=True, code="reply-too-large")
    return Reply(response.status_code, _json(content), {k.lower(): v for k, v in response.headers.items()})


async def _bounded(response: httpx.Response) -> bytes | None:
    """The raw body, or None once it passes the bound. We ask for no compression and undo none."""
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > BODY_BYTES_MAX:
            return None
    return bytes(content)


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return None

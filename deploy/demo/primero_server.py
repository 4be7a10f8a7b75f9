"""A real HTTP server that behaves as Primero v2 does: the demo's ministry, and tests that break lines.

    server = PrimeroServer(now=clock.now, new_id=uuid4)
    await server.start()            # loopback, a port of the machine's choice
    server.url, server.journal, server.inject(Fault("close_after", "POST", r".*/referrals"))
    await server.stop()

It runs in the caller's event loop and keeps its records in memory.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import h11

from deploy.demo.primero_rules import Answer, Effect, Primero

__all__ = ["Effect", "Fault", "PrimeroServer"]

LOGINS_PER_MINUTE: Final = 6
_BODY_BYTES_MAX: Final = 4 * 1024 * 1024


@dataclass(slots=True)
class Fault:
    """One planned trouble, for the next ``times`` requests that match.

    ``close_before``  the line breaks before anything happens
    ``close_after``   it happens, and the line breaks before the answer
    ``error_before``  500, nothing happened
    ``error_after``   500, and it happened all the same
    ``busy``          429 with Retry-After, nothing happened
    ``slow``          it happens; the answer waits until ``release`` is set
    """

    kind: Literal["close_before", "close_after", "error_before", "error_after", "busy", "slow"]
    method: str = ".*"
    path: str = ".*"
    times: int = 1
    release: asyncio.Event | None = None

    def matches(self, method: str, path: str) -> bool:
        return self.times > 0 and bool(re.fullmatch(self.method, method) and re.fullmatch(self.path, path))


class PrimeroServer:
    """The server.

    Args:
        now: timestamps, and the minute in which wrong passwords are counted.
        new_id: ids for what the server names itself.
        users: name to password. Any of them may act; ``referral_to`` may be referred to.
        unwritable: case fields that the role may not write.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], UUID],
        users: dict[str, str] | None = None,
        referral_to: tuple[str, ...] = ("ministry",),
        unwritable: frozenset[str] = frozenset(),
    ) -> None:
        self.users = users or {"sampan": "demo-sampan", "ministry": "demo-ministry"}
        self.primero = Primero(now, new_id, frozenset(referral_to), unwritable)
        self._now = now
        self._faults: list[Fault] = []
        self._wrong_logins: dict[str, list[datetime]] = {}
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.requests: list[tuple[str, str]] = []  # method and path of every request that was read

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        assert self._server is not None, "not started"
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @property
    def journal(self) -> list[Effect]:
        """Every change that really happened, in order."""
        return self.primero.journal

    def inject(self, *faults: Fault) -> None:
        """Plan trouble; the first matching fault is used up first."""
        self._faults.extend(faults)

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; returns once connections are taken."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._one(h11.Connection(h11.SERVER), reader, writer):
                pass
        except (ConnectionError, h11.RemoteProtocolError):
            pass
        finally:
            self._open.discard(writer)
            with contextlib.suppress(ConnectionError):
                writer.close()
                await writer.wait_closed()

    async def _one(
        self, wire: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """One request and its answer; whether the connection stays open."""
        read = await _read(wire, reader)
        if read is None:
            return False
        request, body = read
        method, target = request.method.decode(), urlsplit(request.target.decode())
        self.requests.append((method, target.path))
        fault = next((f for f in self._faults if f.matches(method, target.path)), None)
        if fault is not None:
            fault.times -= 1
            if fault.kind == "close_before":
                writer.transport.abort()
                return False
        answer = self._before(fault) or self._answer(request, method, target.path, target.query, body)
        if fault is not None and fault.kind == "close_after":
            writer.transport.abort()
            return False
        if fault is not None and fault.kind == "error_after":
            answer = Answer(500, {"errors": [{"status": 500, "message": "Internal Server Error"}]})
        if fault is not None and fault.release is not None:
            await fault.release.wait()
        writer.write(_written(wire, answer))
        await writer.drain()
        return False

    @staticmethod
    def _before(fault: Fault | None) -> Answer | None:
        if fault is not None and fault.kind == "error_before":
            return Answer(500, {"errors": [{"status": 500, "message": "Internal Server Error"}]})
        if fault is not None and fault.kind == "busy":
            return Answer(429, {"errors": [{"status": 429, "message": "Throttled"}]})
        return None

    def _answer(self, request: h11.Request, method: str, path: str, query: str, body: bytes) -> Answer:
        user, password = _credentials(dict(request.headers.raw_items()))
        if self.users.get(user) != password or not user:
            return self._wrong_login(user)
        try:
            parsed: Any = json.loads(body) if body else None
        except ValueError:
            return Answer(400, {"errors": [{"status": 400, "message": "Malformed JSON"}]})
        return self.primero.handle(user, method, path, dict(parse_qsl(query)), parsed)

    def _wrong_login(self, user: str) -> Answer:
        """Six wrong passwords in a minute, then 429, as ``rack_attack`` is set."""
        now = self._now()
        recent = [at for at in self._wrong_logins.get(user, []) if (now - at).total_seconds() < 60]
        self._wrong_logins[user] = [*recent, now]
        if len(recent) >= LOGINS_PER_MINUTE:
            return Answer(429, {"errors": [{"status": 429, "message": "Throttled"}]})
        return Answer(401, {"errors": [{"status": 401, "message": "Unauthorized"}]})


async def _read(wire: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Request, bytes] | None:
    request: h11.Request | None = None
    body = bytearray()
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            data = await reader.read(65536)
            if not data and request is None:
                return None
            wire.receive_data(data)
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _BODY_BYTES_MAX:
                return None
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, bytes(body)
        else:
            return None


def _written(wire: h11.Connection, answer: Answer) -> bytes:
    body = b"" if answer.body is None else json.dumps(answer.body, ensure_ascii=False).encode()
    headers = [("connection", "close")]
    if answer.status == 429:
        headers.append(("retry-after", "60"))
    if answer.status != 204:
        headers += [("content-type", "application/json"), ("content-length", str(len(body)))]
    response = h11.Response(status_code=answer.status, headers=headers)
    sent = [
        wire.send(response),
        wire.send(h11.Data(data=body)) if body else b"",
        wire.send(h11.EndOfMessage()),
    ]
    return b"".join(part for part in sent if part)


def _credentials(headers: dict[bytes, bytes]) -> tuple[str, str]:
    value = next((v for k, v in headers.items() if k.lower() == b"authorization"), b"").decode("latin-1")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password

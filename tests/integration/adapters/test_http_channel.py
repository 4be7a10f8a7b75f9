"""The HTTP channel against a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from adapters.channels.http import BODY_BYTES_MAX, HttpChannel, Timeouts
from adapters.exchange import Call, NoReply, Reply


@asynccontextmanager
async def answering(*pieces: bytes, seen: list[bytes] | None = None) -> AsyncIterator[str]:
    """A server that answers anything with these bytes and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if seen is not None:
            seen.append(request)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        except ConnectionError:
            pass

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def to(url: str, **timeouts: float) -> HttpChannel:
    return HttpChannel(url, allow_insecure_loopback=True, timeouts=Timeouts(**timeouts))


def response(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_redirects_are_not_followed() -> None:
    """The answer is handed back; where it points to is never asked."""
    seen: list[bytes] = []
    async with answering(response("302 Found", b"", "location: http://10.0.0.1/"), seen=seen) as url:
        reply = await to(url).perform(Call("GET", "/a"))
    assert isinstance(reply, Reply)
    assert reply.status == 302
    assert len(seen) == 1


@pytest.mark.parametrize(
    "headers", ["content-length: {n}", "transfer-encoding: chunked"], ids=["length", "chunked"]
)
async def test_an_answer_of_more_than_a_megabyte_is_not_read(headers: str) -> None:
    """It is an unknown outcome, and no memory is filled."""
    size = BODY_BYTES_MAX * 3
    head = f"HTTP/1.1 200 OK\r\n{headers.format(n=size)}\r\n\r\n".encode()
    chunk = b"a" * 65536
    piece: Callable[[], bytes] = lambda: b"10000\r\n" + chunk + b"\r\n" if "chunked" in headers else chunk  # noqa: E731
    async with answering(head, *[piece() for _ in range(size // 65536)]) as url:
        reply = await to(url).perform(Call("POST", "/", json={}))
    assert reply == NoReply(sent=True, code="reply-too-large")


async def test_an_answer_that_is_not_json_is_a_status_alone() -> None:
    """A proxy's HTML page tells its status, nothing else."""
    async with answering(response("502 Bad Gateway", b"<html>")) as url:
        assert await to(url).perform(Call("GET", "/")) == Reply(502, None, {"content-length": "6"})


async def test_garbage_is_an_unknown_outcome() -> None:
    """Something was sent; what came back is no HTTP."""
    async with answering(b"not http at all\r\n\r\n") as url:
        assert await to(url).perform(Call("POST", "/")) == NoReply(sent=True, code="broken-connection")


async def test_a_line_that_closes_without_an_answer_is_an_unknown_outcome() -> None:
    """The request had left."""
    async with answering() as url:
        assert await to(url).perform(Call("POST", "/")) == NoReply(sent=True, code="broken-connection")


async def test_the_name_stays_in_the_host_header_though_the_address_was_pinned() -> None:
    """One resolution decides where to connect; the server still sees the name and the path."""
    seen: list[bytes] = []
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    async with answering(response("204 No Content"), seen=seen) as url:
        port = url.rpartition(":")[2]
        channel = HttpChannel(
            f"http://ministry.example:{port}/base", resolver=resolver, allow_insecure_loopback=True
        )
        reply = await channel.perform(Call("POST", "/api", {"page": "1"}, json={"a": "ນ້ອຍ"}))
    assert isinstance(reply, Reply)
    request = seen[0].decode()
    assert request.startswith("POST /base/api?page=1 HTTP/1.1\r\n")
    assert f"host: ministry.example:{port}" in request.lower()
    assert "content-type: application/json" in request.lower()
    assert asked == ["ministry.example"]


async def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name a second time, and see the path."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with answering(response("204 No Content")) as url:
        assert isinstance(await to(url).perform(Call("GET", "/")), Reply)


@pytest.mark.parametrize("host", ["example..invalid", "a" * 64 + ".invalid"], ids=["empty label", "long label"])
async def test_a_name_that_cannot_be_one_is_no_address(host: str) -> None:
    """A typing error in the directory: nothing was sent, and the lane may say so."""
    reply = await HttpChannel(f"https://{host}/hook").perform(Call("POST", "/", json={}))
    assert reply == NoReply(sent=False, code="no-address")

"""The inbox as a stream of events: each item once, in order, resumed at its cursor, over a real line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.api import InboxItem
from tests.support.http_world import HttpWorld, is_problem
from tests.support.real_server import running
from tests.support.services_world import CANARIES


@pytest.fixture
async def line(http: HttpWorld) -> AsyncIterator[httpx.AsyncClient]:
    async with running(http.app) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield client


async def events(
    line: httpx.AsyncClient, count: int, path: str = "/v1/inbox/stream", **headers: str
) -> list[tuple[int, InboxItem]]:
    """The next ``count`` items of the stream, by the cursor that is their event id."""
    found: list[tuple[int, InboxItem]] = []
    async with asyncio.timeout(60), line.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, str] = {}
        async for text in answer.aiter_lines():
            if text:
                name, _, value = text.partition(": ")
                event[name] = value
            elif event.get("event") == "item":
                found.append((int(event["id"]), InboxItem.model_validate_json(event["data"])))
                event = {}
                if len(found) == count:
                    break
    return found


async def test_what_stands_and_what_comes(http: HttpWorld, line: httpx.AsyncClient) -> None:
    """A stream gives what is there, then what arrives while it is open, each once, and no name."""
    headers = await http.token("shelter-th")
    await http.world.refer()
    reading = asyncio.create_task(events(line, 3, **headers))
    for _ in range(2):
        await http.world.refer()
    found = await reading
    assert [cursor for cursor, _ in found] == [1, 2, 3]
    assert [item.cursor for _, item in found] == [1, 2, 3]
    text = json.dumps([item.model_dump(mode="json") for _, item in found])
    assert not [canary for canary in CANARIES if canary in text]


async def test_a_lost_line_resumes_where_it_broke(http: HttpWorld, line: httpx.AsyncClient) -> None:
    """``Last-Event-ID`` goes on behind the last item seen: nothing missing, nothing twice; it beats ``after``."""
    headers = await http.token("shelter-th")
    for _ in range(4):
        await http.world.refer()
    first = await events(line, 2, **headers)
    rest = await events(line, 2, **headers, **{"Last-Event-ID": str(first[-1][0])})
    again = await events(line, 1, "/v1/inbox/stream?after=1", **headers, **{"Last-Event-ID": "3"})
    assert [cursor for cursor, _ in first + rest] == [1, 2, 3, 4]
    assert [cursor for cursor, _ in again] == [4]


@pytest.mark.parametrize("last", ["-1", "9" * 30, "Zanzibardo"])
async def test_a_last_event_id_that_is_none(http: HttpWorld, last: str) -> None:
    """It is refused as a field, and not repeated."""
    answer = await http.get("/v1/inbox/stream", "shelter-th", headers={"Last-Event-ID": last})
    problem = is_problem(answer, 422, code="bad-field")
    assert problem["field"] == "last-event-id"
    assert last not in answer.text


async def test_a_stream_ends_with_its_server(http: HttpWorld) -> None:
    """A server that stops ends its streams: the reader's line closes and the server is gone."""
    headers = await http.token("shelter-th")
    await http.world.refer()
    seen = asyncio.Event()
    async with httpx.AsyncClient(timeout=60) as client:
        async with running(http.app) as url:
            reading = asyncio.create_task(_read_to_the_end(client, url, headers, seen))
            await asyncio.wait_for(seen.wait(), 30)
        await asyncio.wait_for(reading, 30)
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{url}/healthz")


async def _read_to_the_end(
    client: httpx.AsyncClient, url: str, headers: dict[str, str], seen: asyncio.Event
) -> Any:
    try:
        async with client.stream("GET", f"{url}/v1/inbox/stream", headers=headers) as answer:
            async for _ in answer.aiter_lines():
                seen.set()
    except httpx.RemoteProtocolError:
        return  # cut in the middle of a chunk: ended all the same

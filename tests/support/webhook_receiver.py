"""A webhook's receiver on loopback, in the test's own loop: keeps webhook ids and what the bodies name."""

from __future__ import annotations

import asyncio
import contextlib
import json
from uuid import UUID

import h11


class WebhookReceiver:
    """Answers 204 to every notice and remembers it."""

    def __init__(self) -> None:
        self.notices: list[tuple[UUID, UUID]] = []  # (webhook id, dispatch alias)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen on a port of the machine's choice."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire, body, headers = h11.Connection(h11.SERVER), b"", {}
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError):
            while not isinstance(event := wire.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    data = await reader.read(65536)
                    if not data:
                        writer.close()
                        return
                    wire.receive_data(data)
                elif isinstance(event, h11.Request):
                    headers = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
            alias = UUID(json.loads(body)["data"]["dispatch"])
            self.notices.append((UUID(headers["webhook-id"]), alias))
            writer.write(wire.send(h11.Response(status_code=204, headers=[("connection", "close")])) or b"")
            await writer.drain()
        writer.close()

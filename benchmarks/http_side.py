"""The server in this process, the load in another: so that neither pays for the other's CPU unseen."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn

from benchmarks.world import Bench
from services.assembly.app import make_app


@asynccontextmanager
async def serving(world: Bench) -> AsyncIterator[str]:
    """The application on a port of the machine's choice; its services are run by whoever measures."""
    config = uvicorn.Config(
        make_app(world.instance, serve_services=False), host="127.0.0.1", port=0, log_config=None,
        access_log=False, http="httptools", timeout_keep_alive=75,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


async def sent(address: str, token: str, raws: list[bytes], batch: int, connections: int) -> None:
    """Send from a process of its own; returns when all were answered.

    Raises:
        RuntimeError: an answer was not 200.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "submissions"
        path.write_bytes(b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.load", address, str(path), str(batch), str(connections),
            stdin=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await process.communicate(token.encode())  # not on the command line, where others could read it
    if process.returncode:
        raise RuntimeError("the load generator met an answer that was not 200")

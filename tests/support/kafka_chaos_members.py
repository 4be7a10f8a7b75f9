"""The services of a run on Kafka, each a process; one that ends unasked is written down and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Final

import httpx

from tests.support.kill_run import free_port
from tests.support.repository import ROOT

_READY_SECONDS: Final = 90
_POLL_SECONDS: Final = 0.1
_AGAIN_SECONDS: Final = 0.5


@dataclass
class ChaosMember:
    """One process of a service, under a supervisor as any operator would have."""

    name: str
    folder: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    ended: list[str] = field(default_factory=list)
    """How it ended although nobody had killed it, and whether it had been ready."""
    _process: asyncio.subprocess.Process | None = None
    _supervisor: asyncio.Task[None] | None = None
    _is_held_down: bool = False

    @property
    def service(self) -> str:
        """Which of the services it runs."""
        return self.name.partition("-")[0]

    @property
    def pid(self) -> int | None:
        """Of the present process."""
        return self._process.pid if self._process is not None else None

    @property
    def log(self) -> Path:
        """What its processes said, one after the other."""
        return self.folder / f"{self.name}.log"

    async def start(self) -> None:
        """Run it, and see to it that it goes on running."""
        self._is_held_down = False
        settings = {
            "SAMPAN_HTTP__PORT": str(self.port), "SAMPAN_DATA": str(self.folder), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        with self.log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.support.kafka_chaos_victim", self.service,
                env={**os.environ, **self.environment, **settings}, cwd=ROOT, stdin=asyncio.subprocess.PIPE,
                stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        if self._supervisor is None:
            self._supervisor = asyncio.create_task(self._supervise())

    async def _supervise(self) -> None:
        while True:
            process = self._process
            assert process is not None
            code = await process.wait()
            if not self._is_held_down and process is self._process:
                self.ended.append(f"{self.name} ended with {code}: {self._last_words()}")
                await lasts(_AGAIN_SECONDS)
                await self.start()
            while self._is_held_down or process is self._process:
                await asyncio.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1][:300] if lines else "nothing said"

    async def kill(self) -> None:
        """``kill -9``, and down until :meth:`start`."""
        self._is_held_down = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def pause(self) -> None:
        """``SIGSTOP``."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """``SIGCONT``."""
        self._signal(signal.SIGCONT)

    def tell(self, number: int) -> None:
        """A signal that means something to the process under test alone."""
        self._signal(number)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def end(self) -> None:
        """Kill it for good."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        await self.kill()

    async def until_ready(self) -> None:
        """Return when it says of itself that it is ready.

        Raises:
            TimeoutError: it does not.
        """
        async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient(timeout=2) as client:
            while not await self._is_ready(client):
                await asyncio.sleep(_POLL_SECONDS)

    async def _is_ready(self, client: httpx.AsyncClient) -> bool:
        with suppress(httpx.TransportError):
            return (await client.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200
        return False


async def lasts(pause_seconds: float) -> None:
    """For so long a fault lasts, or the quiet before one."""
    await asyncio.sleep(pause_seconds)


class InTurn(httpx.AsyncBaseTransport):
    """Sends each request to the next of several ports; who tries again so asks another."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = cycle(ports)
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx asks."""
        request.url = request.url.copy_with(port=next(self._ports))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """As httpx asks."""
        await self._inner.aclose()

"""Hub and own edge as two processes: the hub carries what only the edge can read, and each may die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.demo.primero_server import PrimeroServer
from deploy.kafka.ports import free_ports
from services.client.home import write_config
from tests.support.canaries import found_below
from tests.support.primero_server import running_primero
from tests.support.process_memory import stands_in_memory
from tests.support.serve_process import REPOSITORY, Serve, serving
from tests.support.services_world import CANARIES, CONSENT, NAME, PERSON

MINISTRY, NGO = "rfp-kh", "ngo-th"


@dataclass
class Region:
    """A hub, a client that may speak for NGO and ministry, and the ministry's Primero."""

    folder: Path
    primero: PrimeroServer
    hub_port: int
    edge_port: int
    stack: ExitStack

    async def sampan(self, *words: str) -> str:
        """One command to its end; returns what it said."""
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", "services.cli", *words], cwd=self.folder,
            env=self.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPAN_")}
        return kept | {
            "PYTHONPATH": str(REPOSITORY),
            "SAMPAN_DATA": str(self.folder / "client"),
            "COLUMNS": "200",
        }

    async def hub(self) -> Serve:
        served = self.stack.enter_context(
            serving("--data", "hub", "--port", str(self.hub_port), cwd=self.folder)
        )
        await asyncio.to_thread(served.until, "listening on")
        return served

    async def edge(self) -> Serve:
        ran = self.stack.enter_context(
            serving("run", "--home", "edge", "--targets", "targets.yaml", "--demo", "--port", str(self.edge_port),
                    cwd=self.folder, command="edge")
        )  # fmt: skip
        await asyncio.to_thread(ran.until, "ready when")
        return ran

    async def ready(self, status: int) -> dict[str, Any]:
        """What the edge's readiness says once it answers with this status."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while (answer := await client.get(f"http://127.0.0.1:{self.edge_port}/readyz")).status_code != status:
                await asyncio.sleep(0.1)
        said: dict[str, Any] = answer.json()
        return said

    async def metrics(self) -> str:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{self.edge_port}/metrics")).text

    async def submit(self, number: int) -> None:
        """One referral of a case of its own to the ministry, by the command that an NGO has."""
        case = f"3b1c52a8-51d4-4d0c-9a5c-6a86a0c4d00{number}"
        document = {
            "event": "ReferralSent", "occurred_at": "2026-03-01T09:30:00+07:00", "case": case, "to": ["RFP@KH"],
            "purpose": "IDENTIFY", "consent": CONSENT, "subjects": [PERSON],
        }  # fmt: skip
        (self.folder / f"case-{number}.json").write_text(json.dumps(document))
        await self.sampan("submit", f"case-{number}.json", "--as", NGO)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await asyncio.sleep(0.05)

    def made(self, what: str) -> int:
        return [effect.what for effect in self.primero.journal].count(what)


@pytest.fixture
async def region() -> AsyncIterator[Region]:
    with tempfile.TemporaryDirectory(prefix="sampan-edge-") as name, ExitStack() as stack:
        os.chmod(name, 0o711)  # noqa: S103 (the database's own user walks in)
        folder = Path(name)
        async with running_primero() as primero:
            hub_port, edge_port = free_ports(2)
            made = Region(folder, primero, hub_port, edge_port, stack)
            for agency in (NGO, MINISTRY):
                await made.sampan("enrol", agency, "--data", "hub", "--out", "client")
            write_config(folder / "client", f"http://127.0.0.1:{hub_port}")
            login = {"url": primero.url, "user": "sampan", "password": primero.users["sampan"]}
            targets = folder / "targets.yaml"
            targets.touch(mode=0o600)
            targets.write_text(
                json.dumps({MINISTRY: {"primero": {**login, "lookups": {"transitioned_to": "ministry"}}}})
            )
            yield made
            stack.close()


@pytest.mark.timeout(300)
async def test_the_hub_never_holds_what_the_edge_opens(region: Region) -> None:
    """A referral crosses, and neither the hub's memory nor its disk ever had a word of what the ministry reads."""
    hub = await region.hub()
    await region.sampan("edge", "init", "--as", MINISTRY, "--home", "edge")
    await region.edge()
    await region.submit(1)
    await region.until(lambda: region.made("referral_created") == 1)
    (case,) = region.primero.primero.cases.values()
    assert case["name_first"] == NAME
    assert stands_in_memory(hub.process.pid, b"fingerprint")
    assert [word for word in CANARIES if stands_in_memory(hub.process.pid, word.encode())] == []
    assert found_below(region.folder / "hub", CANARIES) == []
    assert found_below(region.folder / "edge", CANARIES) == []
    assert 'sampan_edge_attempts_total{verdict="delivered"} 1.0' in await region.metrics()


@pytest.mark.timeout(300)
async def test_either_side_may_go_away(region: Region) -> None:
    """Killed edge, stopped hub, drained edge: each says what is wrong, and every referral arrives once."""
    hub = await region.hub()
    await region.sampan("edge", "init", "--as", MINISTRY, "--home", "edge")
    edge = await region.edge()
    await region.ready(200)
    edge.signal(signal.SIGKILL)
    await asyncio.to_thread(edge.end)
    await region.submit(1)
    edge = await region.edge()
    await region.until(lambda: region.made("referral_created") == 1)
    hub.signal(signal.SIGINT)
    assert await asyncio.to_thread(hub.end) == 0
    assert (await region.ready(503))["code"] == "no-connection"
    await region.hub()
    await region.submit(2)
    await region.until(lambda: region.made("referral_created") == 2)
    await region.ready(200)
    edge.signal(signal.SIGTERM)
    assert await asyncio.to_thread(edge.end) == 0
    assert "edge stopped" in edge.text
    assert region.made("case_created") == 2

"""Every service in a process of its own on Kafka: CPU for 1,000 referrals and memory of each, and where its time goes.

Referrals come in over HTTP in batches, and count when each is in three inboxes. With ``profile`` py-spy looks at each
process from outside a hundred times a second; what it names is by function of ours, callees included.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from benchmarks.http_side import sent
from benchmarks.pipeline import BATCH, CONNECTIONS, in_inboxes
from benchmarks.world import RECIPIENTS, Bench
from deploy.kafka.access import Access

MEMBERS: Final = ("intake", "router", "delivery", "relay")
_PREFIX: Final = "members-"
_READY_SECONDS: Final = 90
_LOOK_SECONDS: Final = 0.02
_STACKS_A_SECOND: Final = 100
_COSTS_SHOWN: Final = 12
_OURS: Final = ("services/", "routing/", "contracts/", "adapters/")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@asynccontextmanager
async def running(world: Bench, access: Access, folder: Path) -> AsyncIterator[tuple[dict[str, int], str]]:
    """The members over the world's database; yields pids by member and intake's address."""
    ports = {member: _free_port() for member in MEMBERS}
    environment = {
        "SAMPAN_DATABASE_URL": world.dsn, "SAMPAN_DEMO": "true", "SAMPAN_BROKERS__BOOTSTRAP": access.bootstrap,
        "SAMPAN_BROKERS__PREFIX": _PREFIX,
    }  # fmt: skip
    processes: dict[str, asyncio.subprocess.Process] = {}
    with (folder / "members.log").open("ab") as out:
        try:
            for member, port in ports.items():
                processes[member] = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "services.cli", "run", member, "--data", str(world.folder),
                    "--port", str(port), env=os.environ | environment, stdin=asyncio.subprocess.DEVNULL,
                    stdout=out, stderr=out,
                )  # fmt: skip
            for port in ports.values():
                await _ready(port)
            yield {member: one.pid for member, one in processes.items()}, f"127.0.0.1:{ports['intake']}"
        finally:
            for one in processes.values():
                if one.returncode is None:
                    one.terminate()
            await asyncio.gather(*(one.wait() for one in processes.values()))


async def _ready(port: int) -> None:
    async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient(timeout=2) as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def carried(world: Bench, address: str, count: int) -> None:
    """``count`` referrals by HTTP, each in three inboxes on return."""
    consents, referrals = world.make(count)
    before = await in_inboxes(world)
    await sent(address, world.token, consents, BATCH, 1)
    await sent(address, world.token, referrals, BATCH, CONNECTIONS)
    while await in_inboxes(world) < before + count * len(RECIPIENTS):
        await asyncio.sleep(_LOOK_SECONDS)


async def by_member(world: Bench, access: Access, count: int, *, profile: bool = False) -> dict[str, Any]:
    """CPU seconds for 1,000 referrals with their consents, and memory, by member."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="sampan-members-") as name:
        async with running(world, access, Path(name)) as (pids, address):
            await carried(world, address, BATCH)  # warm
            watched = {member: psutil.Process(pid) for member, pid in pids.items()}
            before = {member: sum(one.cpu_times()[:2]) for member, one in watched.items()}
            async with _profiled(pids if profile else {}, Path(name)) as stacks:
                await carried(world, address, count)
            for member, one in watched.items():
                used = sum(one.cpu_times()[:2]) - before[member]
                figures[member] = {
                    "cpu_seconds_per_1000": round(1000 * used / count, 2),
                    "memory_mb": round(one.memory_info().rss / 2**20),
                } | ({"costs_percent": costs(stacks[member].read_text())} if profile else {})
    return figures


@asynccontextmanager
async def _profiled(pids: dict[str, int], folder: Path) -> AsyncIterator[dict[str, Path]]:
    stacks = {member: folder / f"{member}.stacks" for member in pids}
    spies = [
        await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--format", "raw",
            "--rate", str(_STACKS_A_SECOND), "--duration", "unlimited", "--output", str(stacks[member]),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )
        for member, pid in pids.items()
    ]  # fmt: skip
    try:
        yield stacks
    finally:
        for spy in spies:
            spy.send_signal(signal.SIGINT)
        await asyncio.gather(*(spy.wait() for spy in spies))


def costs(text: str) -> dict[str, float]:
    """Function of ours → percent of the process's samples in which it was at work, the most costly first.

    Args:
        text: py-spy's raw form: ``outermost;…;innermost count`` a line.
    """
    total, within = 0, Counter[str]()
    for line in text.splitlines():
        stack, _, times = line.rpartition(" ")
        total += int(times)
        ours = {frame.rpartition(":")[0] + ")" for frame in stack.split(";") if any(o in frame for o in _OURS)}
        for frame in ours:
            within[frame] += int(times)
    told = [(frame, times) for frame, times in within.most_common() if times < total]  # who never rests says nothing
    return {frame: round(100 * times / max(1, total), 1) for frame, times in told[:_COSTS_SHOWN]}

"""Services as processes of their own: over one database, following the log on a real broker."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from contracts.api import InboxItem
from deploy.kafka.access import Access
from tests.support.postgres import FreshDatabase
from tests.support.serve_process import Serve, serving
from tests.support.services_world import CONSENT, ServicesWorld, open_world

ALL = ("intake", "router", "delivery", "relay")


@pytest.fixture
async def world(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    """Who writes to the log; the services run elsewhere."""
    async with open_world(fresh_database, tmp_path) as opened:
        yield opened


class Members:
    """Processes over the world's database and keyring."""

    def __init__(self, stack: ExitStack, database: FreshDatabase, folder: Path, kafka: Access, prefix: str) -> None:
        self._stack, self._folder = stack, folder
        self._environment = {
            "SAMPAN_DATABASE_URL": database.dsn, "SAMPAN_BROKERS__BOOTSTRAP": kafka.bootstrap,
            "SAMPAN_BROKERS__PREFIX": prefix,
        }  # fmt: skip

    def start(self, member: str, **more: str) -> tuple[Serve, int]:
        port = free_port()
        serve = self._stack.enter_context(
            serving(member, "--data", ".", "--port", str(port), cwd=self._folder, command="run",
                    **{**self._environment, **more})
        )
        return serve, port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def arrived(world: ServicesWorld, count: int) -> list[InboxItem]:
    """The shelter's inbox once it holds so many; the test's own limit ends a wait that is in vain."""
    shelter = world.agency("shelter-th")
    while len(items := (await world.instance.inbox.page(shelter, 0, 100)).items) < count:
        await asyncio.sleep(0.05)
    return items


@pytest.mark.timeout(180)
async def test_a_referral_crosses_processes_and_a_service_hands_over(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path, kafka: Access, kafka_prefix: str
) -> None:
    """Relay, router and delivery carry it, each ready and measured; a router told to stop gives way to another."""
    with ExitStack() as stack:
        members = Members(stack, fresh_database, tmp_path, kafka, kafka_prefix)
        started = {member: members.start(member) for member in ALL}
        for member, (serve, port) in started.items():
            await asyncio.to_thread(serve.until, f"{member} is ready")
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                assert (await client.get("/readyz")).json() == {"status": "ready"}
                assert "sampan_lag_records" in (await client.get("/metrics")).text
        await world.submit(consent=CONSENT, to=["SHA@TH"])
        assert len(await arrived(world, 1)) == 1
        router, _ = started["router"]
        router.signal(signal.SIGTERM)
        assert await asyncio.to_thread(router.end) == 0, router.text
        assert "router stopped" in router.text
        await world.submit(consent=CONSENT, to=["SHA@TH"])
        successor, _ = members.start("router")
        await asyncio.to_thread(successor.until, "router is ready")
        assert len(await arrived(world, 2)) == 2
        for serve, _ in started.values():
            assert "Traceback" not in serve.text


@pytest.mark.timeout(60)
def test_what_a_service_needs_is_said_in_one_sentence(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    """No database, no brokers, a broker that is not there, a service that does not exist: each names its setting."""
    dsn = {"SAMPAN_DATABASE_URL": fresh_database.dsn}
    nobody = {**dsn, "SAMPAN_BROKERS__BOOTSTRAP": f"127.0.0.1:{free_port()}", "SAMPAN_BROKERS__WAIT_SECONDS": "0"}
    for member, environment, words in (
        ("router", {}, "SAMPAN_DATABASE_URL"),
        ("relay", dsn, "SAMPAN_BROKERS__BOOTSTRAP: The relay has nowhere to carry the log."),
        ("relay", nobody, "did not answer within 0 seconds"),
        ("ledger", dsn, "Known: intake, router, delivery, relay, vault."),
    ):
        with serving(
            member, "--data", ".", "--port", str(free_port()), cwd=tmp_path, command="run", **environment
        ) as serve:
            assert serve.end() == 1, serve.text
            assert words in " ".join(serve.text.split()), serve.text
            assert "Traceback" not in serve.text

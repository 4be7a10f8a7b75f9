"""A real Kafka for the tests that need one: the cluster that ``SAMPAN_KAFKA`` names, else one of this machine.

``SAMPAN_TESTCONTAINERS=1`` asks for one in a container instead; without an engine the tests then fail and say so.
Tests that kill brokers always have three of this machine.

Such tests run in one worker, so a session starts one broker, and three at most once: name them for Kafka.
A test that needs Kafka is never left out: without the network, the jars' cache says in one sentence what it lacks.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import kafka_container
from tests.support.repository import ROOT

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

    from deploy.kafka.access import Access
    from deploy.kafka.cluster import LocalCluster

VARIABLE = "SAMPAN_KAFKA"


def scope_of(nodeid: str) -> str:
    """Tests of one scope run in one worker: all that name Kafka together, every other by itself."""
    return "kafka" if "kafka" in nodeid.lower() else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send every test with Kafka in its path or name to the same worker, so that brokers run once.

    xdist's own groups (3.8) write their mark where pytest 9.2 no longer looks for it.
    """
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class KafkaTogether(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return KafkaTogether(config, log)


@pytest.fixture(scope="session")
def kafka_jars() -> tuple[Path, ...]:
    """Kafka's class path. A child fetches what is missing: tests themselves never leave the machine."""
    from deploy.kafka.jars import ensure_jars

    fetched = subprocess.run(
        [sys.executable, "-m", "deploy.kafka", "fetch"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fetched.returncode == 0, fetched.stderr
    return ensure_jars()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """The way in to the session's Kafka: ``SAMPAN_KAFKA`` (``host:port``, plain), a container, or a local broker."""
    from deploy.kafka.access import Access
    from deploy.kafka.cluster import LocalCluster

    named = os.environ.get(VARIABLE)
    if named:
        yield Access(named)
        return
    if os.environ.get(kafka_container.VARIABLE) == "1":
        with kafka_container.kafka_container() as access:
            yield access
        return
    folder = tmp_path_factory.mktemp("kafka")
    with LocalCluster(folder, jars=request.getfixturevalue("kafka_jars")) as cluster:
        yield cluster.access()
        cluster.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _three_brokers(
    kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
    from deploy.kafka.cluster import LocalCluster

    folder = tmp_path_factory.mktemp("three-brokers")
    with LocalCluster(folder, nodes=3, jars=kafka_jars) as cluster:
        yield cluster
        cluster.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def three_brokers(_three_brokers: LocalCluster) -> Iterator[LocalCluster]:
    """Three local brokers to kill, pause and bring back; whole again after each test, whatever it did."""
    yield _three_brokers
    _three_brokers.heal()


@pytest.fixture
def kafka_prefix(kafka: Access) -> Iterator[str]:
    """A prefix for the names of a test's own topics; whatever bears it is removed afterwards."""
    from deploy.kafka.ready import run_apart

    prefix = f"test-{secrets.token_hex(4)}-"
    yield prefix
    run_apart(remove_topics(kafka, prefix))


async def remove_topics(access: Access, prefix: str) -> None:
    """Delete every topic whose name begins with ``prefix``, and wait until the broker has forgotten them."""
    from deploy.kafka.ready import admin

    async with admin(access) as client:
        names = await _beginning_with(client, prefix)
        if names:
            await client.delete_topics(names)
        while await _beginning_with(client, prefix):
            await asyncio.sleep(0.02)


async def _beginning_with(client: AIOKafkaAdminClient, prefix: str) -> list[str]:
    return [name for name in await client.list_topics() if name.startswith(prefix)]

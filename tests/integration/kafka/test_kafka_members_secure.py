"""Each service as a process of its own, under its own user, with the grants of its folder and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deploy.kafka.acls import ensure_acls, relay_acls, service_acls
from deploy.kafka.cluster import LocalCluster
from deploy.kafka.ready import run_apart
from deploy.kafka.topics import ensure_topics
from services.assembly import region
from services.assembly.kafka_line import carried_topics
from tests.support.postgres import FreshDatabase
from tests.support.serve_process import Serve, serving
from tests.support.services_world import CONSENT, ServicesWorld, open_world

ALL = ("intake", "router", "delivery", "relay")
UNGRANTED = "portal"


@pytest.fixture(scope="module")
def secure(kafka_jars: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """One secure broker as an administrator prepares it."""
    folder = tmp_path_factory.mktemp("secure-members")
    with LocalCluster(folder, secure=True, users=(*ALL, UNGRANTED), jars=kafka_jars) as cluster:
        run_apart(_prepare(cluster))
        yield cluster
        cluster.kill()


async def _prepare(cluster: LocalCluster) -> None:
    topics = carried_topics(region.load(None)[0])
    await ensure_topics(cluster.access(), topics)
    await ensure_acls(cluster.access(), (*service_acls(topics), *relay_acls(topics)))


@pytest.fixture
async def world(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    async with open_world(fresh_database, tmp_path) as opened:
        yield opened


def _member(
    stack: ExitStack, secure: LocalCluster, database: FreshDatabase, folder: Path, member: str, **more: str
) -> Serve:
    access = secure.access(more.pop("user", member))
    environment = {
        "SAMPAN_DATABASE_URL": database.dsn, "SAMPAN_BROKERS__BOOTSTRAP": access.bootstrap,
        "SAMPAN_BROKERS__USER": str(access.user), "SAMPAN_BROKERS__PASSWORD": str(access.password),
        "SAMPAN_BROKERS__CA_FILE": str(access.ca_file),
    }  # fmt: skip
    return stack.enter_context(
        serving(member, "--data", ".", "--port", "0", cwd=folder, command="run", **{**environment, **more})
    )


@pytest.mark.timeout(240)
async def test_each_service_needs_no_more_than_its_own_grants(
    world: ServicesWorld, fresh_database: FreshDatabase, tmp_path: Path, secure: LocalCluster
) -> None:
    """Intake, router, delivery and relay start under their own users and carry a referral to its recipient."""
    with ExitStack() as stack:
        started = [_member(stack, secure, fresh_database, tmp_path, member) for member in ALL]
        for member, serve in zip(ALL, started, strict=True):
            await asyncio.to_thread(serve.until, f"{member} is ready")
        await world.submit(consent=CONSENT, to=["SHA@TH"])
        shelter = world.agency("shelter-th")
        while not (await world.instance.inbox.page(shelter, 0, 100)).items:
            await asyncio.sleep(0.05)
        for serve in started:
            assert "Traceback" not in serve.text
            assert "kafka_retries" not in serve.text


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"SAMPAN_BROKERS__PASSWORD": "correct-horse-battery"}, "Kafka does not let the user router in"),
        ({"user": UNGRANTED}, "sampan kafka topics"),
    ],
    ids=["password", "grant"],
)
@pytest.mark.usefixtures("world")
def test_a_refused_service_says_so_at_once(
    fresh_database: FreshDatabase, tmp_path: Path, secure: LocalCluster, more: dict[str, str], words: str
) -> None:
    """A wrong password or a missing grant is not waited for, and names what to correct, never the password."""
    with ExitStack() as stack:
        serve = _member(stack, secure, fresh_database, tmp_path, "router", **more)
        assert serve.end() == 1, serve.text
        said = " ".join(serve.text.split())
        assert words in said, said
        assert "waiting for Kafka" not in said
        assert "correct-horse-battery" not in said
        assert "Traceback" not in said

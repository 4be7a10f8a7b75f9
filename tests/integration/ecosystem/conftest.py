"""A world whose story is told, and the readers that others wrote."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.carried import tell_a_story
from tests.support.postgres import FreshDatabase
from tests.support.repository import ROOT
from tests.support.services_world import ServicesWorld, open_world

GO_PROGRAM: Final = ROOT / "docs" / "partners" / "go"
TOOLS: Final = ROOT / "tests" / "support" / "kafka_tools.sha256"
FETCH: Final = (
    "import sys; from pathlib import Path; from deploy.kafka.jars import ensure_jars;"
    " from deploy.kafka.pins import read_pins; ensure_jars(pins=read_pins(Path(sys.argv[1])))"
)


@pytest.fixture
async def told(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    """A world in which a referral was sent, opened, answered, late and withdrawn."""
    async with open_world(fresh_database, tmp_path) as world:
        await tell_a_story(world)
        yield world


@pytest.fixture(scope="session")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's Go program, built. Its modules are fetched by the child that builds it, held to ``go.sum``."""
    go = shutil.which("go")
    assert go is not None, "This test reads Kafka by a Go client: install Go 1.26 or newer."
    program = tmp_path_factory.mktemp("go-reader") / "reader"
    built = subprocess.run(
        [go, "build", "-o", str(program), "."], cwd=GO_PROGRAM, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture(scope="session")
def kafka_tools(kafka_jars: tuple[Path, ...]) -> tuple[Path, ...]:
    """The class path of Kafka's own command-line clients: one jar beside those of the broker."""
    from deploy.kafka.jars import ensure_jars
    from deploy.kafka.pins import read_pins

    fetched = subprocess.run(
        [sys.executable, "-c", FETCH, str(TOOLS)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert fetched.returncode == 0, fetched.stderr
    return (*ensure_jars(pins=read_pins(TOOLS)), *kafka_jars)

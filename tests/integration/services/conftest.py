"""The services over a database of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.demo.primero_server import PrimeroServer
from tests.support.lane_play import MINISTRY
from tests.support.lane_targets import ToldChannel, primero_target, webhook_target
from tests.support.postgres import FreshDatabase
from tests.support.primero_server import running_primero
from tests.support.services_world import ServicesWorld, open_world


@pytest.fixture
async def world(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    async with open_world(fresh_database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def primero() -> AsyncIterator[PrimeroServer]:
    async with running_primero() as server:
        yield server


@pytest.fixture
async def ministry(
    fresh_database: FreshDatabase, tmp_path: Path, primero: PrimeroServer
) -> AsyncIterator[ServicesWorld]:
    """A world in which the Cambodian ministry runs Primero."""
    targets = {(MINISTRY, "primero"): primero_target(primero)}
    async with open_world(fresh_database, tmp_path, targets=targets) as opened:
        yield opened


@pytest.fixture
def hook() -> ToldChannel:
    return ToldChannel()


@pytest.fixture
async def hooked(
    fresh_database: FreshDatabase, tmp_path: Path, hook: ToldChannel
) -> AsyncIterator[ServicesWorld]:
    """A world in which that ministry takes signed notices instead (over the channel that its row names)."""
    targets = {(MINISTRY, "primero"): webhook_target(hook)}
    async with open_world(fresh_database, tmp_path, targets=targets) as opened:
        yield opened

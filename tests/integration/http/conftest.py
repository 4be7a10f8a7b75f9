"""The HTTP application over a world of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.http_world import HttpWorld, open_http
from tests.support.postgres import FreshDatabase
from tests.support.services_world import open_world


@pytest.fixture
async def http(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[HttpWorld]:
    async with open_world(fresh_database, tmp_path) as world, open_http(world) as opened:
        yield opened

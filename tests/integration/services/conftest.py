"""The services over a database of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.postgres import FreshDatabase
from tests.support.services_world import ServicesWorld, open_world


@pytest.fixture
async def world(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    async with open_world(fresh_database, tmp_path) as opened:
        yield opened

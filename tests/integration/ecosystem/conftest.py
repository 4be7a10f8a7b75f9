"""A world whose story is told, for readers that others wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.carried import tell_a_story
from tests.support.postgres import FreshDatabase
from tests.support.services_world import ServicesWorld, open_world


@pytest.fixture
async def told(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[ServicesWorld]:
    """A world in which a referral was sent, opened, answered, late and withdrawn."""
    async with open_world(fresh_database, tmp_path) as world:
        await tell_a_story(world)
        yield world

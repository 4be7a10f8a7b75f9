"""A vault over a fresh database, and an event that intake would just have verified."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.vault.keyring import Keyring
from tests.support.postgres import FreshDatabase
from tests.support.sealed import World
from tests.support.vault_world import VaultWorld


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path / "keys" / "keyring.json", World(11).random)


@pytest.fixture
def world(keyring: Keyring) -> VaultWorld:
    return VaultWorld(keyring)


@pytest.fixture
async def connection(fresh_database: FreshDatabase) -> AsyncIterator[Any]:
    opened = await asyncpg.connect(fresh_database.dsn)
    yield opened
    await opened.close()

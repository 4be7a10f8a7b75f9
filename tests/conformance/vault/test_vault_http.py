"""The contract of the vault in a process of its own: over a real HTTP line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from services.vault.apart import VaultApart
from services.vault.keyring import Keyring
from services.vault.remote import VaultRemote
from tests.conformance.vault.apart_contract import ApartContract
from tests.conformance.vault.form import Form
from tests.conformance.vault.vault_contract import VaultContract
from tests.support.postgres import DatabaseFactory, FreshDatabase
from tests.support.real_server import running
from tests.support.sealed import World
from tests.support.vault_server import TOKEN, served
from tests.support.vault_world import VaultWorld


@pytest.fixture
async def form(
    fresh_database: FreshDatabase, database_factory: DatabaseFactory, tmp_path: Path
) -> AsyncIterator[Form]:
    keyring = Keyring.create(tmp_path / "keyring.json", World(11).random)
    own = database_factory.make()
    async with AsyncExitStack() as stack:
        stack.callback(database_factory.drop, own)
        apart = await VaultApart.connect(own.vault_dsn, keyring, World(12).random)
        stack.push_async_callback(apart.close)
        url = await stack.enter_async_context(running(served(apart, keyring)))
        vault = await VaultRemote.connect(url, TOKEN, World(13).random)
        stack.push_async_callback(vault.close)
        hub = await stack.enter_async_context(asyncpg.create_pool(fresh_database.dsn, min_size=1))
        keys = await stack.enter_async_context(asyncpg.create_pool(own.owner_dsn, min_size=1))
        yield Form(vault, keyring, VaultWorld(keyring, vault), hub, keys)


class TestVaultOverHttp(VaultContract, ApartContract):
    """A client that holds no keyring."""

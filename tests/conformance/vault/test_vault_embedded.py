"""The contract of the vault in the caller's transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.vault.keyring import Keyring
from services.vault.port import Narrowing
from services.vault.vault import Vault
from tests.conformance.vault.form import Form
from tests.conformance.vault.vault_contract import VaultContract, admission, admitted, narrowed
from tests.support.postgres import FreshDatabase
from tests.support.sealed import MAI, NOW, World
from tests.support.vault_world import VaultWorld


@pytest.fixture
async def form(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Form]:
    keyring = Keyring.create(tmp_path / "keyring.json", World(11).random)
    vault = Vault(keyring, World(12).random)
    async with asyncpg.create_pool(fresh_database.dsn, min_size=1) as pool:
        yield Form(vault, keyring, VaultWorld(keyring, vault), pool, pool)


class TestVaultEmbedded(VaultContract):
    """In the caller's transaction."""

    async def test_what_its_caller_undoes_never_was(self, form: Form) -> None:
        """Neither the admission nor the narrowing of a transaction that failed leaves a trace."""
        await admitted(form)
        async with form.step(fails=True) as connection:
            await form.vault.admit(connection, [admission(form, {MAI: form.world.id()})], NOW)
        await narrowed(form, Narrowing(form.world.id(), form.world.subject), fails=True)
        assert await form.keys.fetchval("select count(*) from vault.key_bundles") == 1
        assert await form.version() == 0

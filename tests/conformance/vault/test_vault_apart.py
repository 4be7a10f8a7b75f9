"""The contract of the vault with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.vault.apart import VaultApart
from services.vault.errors import VaultAway
from services.vault.keyring import Keyring
from tests.conformance.vault.apart_contract import ApartContract
from tests.conformance.vault.form import Form
from tests.conformance.vault.vault_contract import VaultContract, admission
from tests.support.postgres import DatabaseFactory, FreshDatabase
from tests.support.sealed import MAI, NOW, World
from tests.support.vault_world import VaultWorld


@pytest.fixture
async def form(
    fresh_database: FreshDatabase, database_factory: DatabaseFactory, tmp_path: Path
) -> AsyncIterator[Form]:
    keyring = Keyring.create(tmp_path / "keyring.json", World(11).random)
    own = database_factory.make()
    vault = await VaultApart.connect(own.vault_dsn, keyring, World(12).random)
    async with (
        asyncpg.create_pool(fresh_database.dsn, min_size=1) as hub,
        asyncpg.create_pool(own.owner_dsn, min_size=1) as keys,
    ):
        yield Form(vault, keyring, VaultWorld(keyring, vault), hub, keys)
    await vault.close()
    database_factory.drop(own)


class TestVaultApart(VaultContract, ApartContract):
    """On a pool of its own, as the role that sees nothing but the vault."""

    async def test_the_callers_database_holds_nothing_of_it(self, form: Form) -> None:
        """Keys, bundles, gates and grants stand in the vault's database alone."""
        async with form.step() as connection:
            await form.vault.admit(connection, [admission(form, {MAI: form.world.subject})], NOW)
        for table in ("subject_keys", "key_bundles", "gates", "grants", "narrowings"):
            assert await form.hub.fetchval(f"select count(*) from vault.{table}") == 0
        assert await form.keys.fetchval("select count(*) from vault.subject_keys") == 1

    async def test_a_database_that_is_gone_is_no_refusal(self, form: Form) -> None:
        """Whoever asks hears that the vault is away, and may ask again."""
        assert isinstance(form.vault, VaultApart)
        await form.vault.pool.close()
        with pytest.raises(VaultAway) as away:
            await form.vault.facts_keys(None, [form.world.subject])
        assert away.value.retryable
        assert away.value.http_status == 503

    async def test_a_database_that_refuses_is_no_refusal_of_what_was_asked(self, form: Form) -> None:
        """A standby that only reads, or a right that is lacking: whoever asks waits, and the operator hears of it."""
        await form.keys.execute("revoke insert on all tables in schema vault from sampan_vault")
        admissions = [admission(form, {MAI: form.world.subject})]
        with capture_logs() as logs, pytest.raises(VaultAway):
            async with form.step() as connection:
                await form.vault.admit(connection, admissions, NOW)
        assert [line["event"] for line in logs] == ["vault_database_refuses"]

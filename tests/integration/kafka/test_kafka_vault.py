"""The vault as a process of its own: the only one that has the keyring, over a database of its own."""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from contracts.roles import Group
from deploy.kafka.access import Access
from services.vault.apart import VaultApart
from tests.integration.kafka.test_kafka_members import arrived, free_port
from tests.support.postgres import DatabaseFactory, FreshDatabase
from tests.support.serve_process import Serve, serving
from tests.support.services_world import CONSENT, open_world

TOKEN = "a-token-of-this-test-and-of-nobody-else"
HUB = ("intake", "router", "delivery", "relay")


@pytest.mark.timeout(240)
async def test_a_referral_crosses_and_nobody_else_has_the_keyring(
    fresh_database: FreshDatabase, database_factory: DatabaseFactory, tmp_path: Path, kafka: Access, kafka_prefix: str
) -> None:
    """Intake, router and delivery have no keyring file and no row of a key; what the shelter opens came through the
    vault's process. Killed, the vault holds the referral up and loses nothing; drained, it ends well.
    """
    own = database_factory.make()
    hub, keys = tmp_path / "hub", tmp_path / "keys"
    hub.mkdir()
    port, url = free_port(), ""
    with ExitStack() as stack:
        stack.callback(database_factory.drop, own)
        pool = await asyncpg.create_pool(own.vault_dsn, min_size=1)

        def start(member: str, data: Path, port: int, **environment: str) -> Serve:
            arguments = (member, "--data", str(data), "--port", str(port))
            return stack.enter_context(
                serving(*arguments, cwd=tmp_path, command="run", SAMPAN_VAULT__TOKEN=TOKEN, **environment)
            )

        def start_vault() -> Serve:
            return start("vault", keys, port, SAMPAN_VAULT__DATABASE_URL=own.vault_dsn)

        async with open_world(
            fresh_database, keys, vault=lambda keyring: VaultApart(keyring, secrets.token_bytes, pool)
        ) as world:
            vault = start_vault()
            url = f"http://127.0.0.1:{port}"
            environment = {
                "SAMPAN_DATABASE_URL": fresh_database.dsn, "SAMPAN_BROKERS__BOOTSTRAP": kafka.bootstrap,
                "SAMPAN_BROKERS__PREFIX": kafka_prefix, "SAMPAN_VAULT__URL": url,
            }  # fmt: skip
            members = {member: start(member, hub, free_port(), **environment) for member in HUB}
            for member, serve in {"vault": vault, **members}.items():
                await asyncio.to_thread(serve.until, f"{member} is ready")
            assert not (hub / "keyring.json").exists()
            await world.submit(consent=CONSENT, to=["SHA@TH"])
            (item,) = await arrived(world, 1)
            opened = await world.instance.inbox.open(world.agency("shelter-th"), item.dispatch, [])
            assert Group.F1 in opened.groups
            async with httpx.AsyncClient(base_url=url) as client:
                assert (await client.get("/readyz")).json() == {"status": "ready"}
                counted = (await client.get("/metrics")).text
                assert re.search(r'sampan_vault_calls_total\{method="grant",result="done"\} [1-9]', counted), [
                    line for line in counted.splitlines() if "vault" in line
                ]
                assert (await client.get("/v1/vault/names")).status_code == 401
            for table in ("subject_keys", "key_bundles", "gates", "grants", "narrowings"):
                assert await fresh_database_count(fresh_database, table) == 0
            vault.signal(signal.SIGKILL)
            await asyncio.to_thread(vault.end)
            await world.submit(consent=CONSENT, to=["SHA@TH"])  # this process has the vault's database
            await asyncio.to_thread(members["router"].until, "vault-away|vault_away")
            vault = start_vault()
            await asyncio.to_thread(vault.until, "vault is ready")
            assert len(await arrived(world, 2)) == 2
            vault.signal(signal.SIGTERM)
            assert await asyncio.to_thread(vault.end) == 0, vault.text
            assert "vault stopped" in vault.text
            said = vault.text + "".join(serve.text for serve in members.values())
            assert "Traceback" not in said
            assert TOKEN not in said
        await pool.close()


async def fresh_database_count(database: FreshDatabase, table: str) -> int:
    connection = await asyncpg.connect(database.owner_dsn)
    count: int = await connection.fetchval(f"select count(*) from vault.{table}")
    await connection.close()
    return count


@pytest.mark.timeout(120)
def test_what_vault_and_services_need_is_said_in_one_sentence(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    """No token, no database, no keyring, an open door, a vault that is away or in clear: each names its setting."""
    hub = {"SAMPAN_DATABASE_URL": fresh_database.dsn, "SAMPAN_VAULT__TOKEN": TOKEN}
    nobody = f"http://127.0.0.1:{free_port()}"
    own = {"SAMPAN_VAULT__DATABASE_URL": fresh_database.vault_dsn, "SAMPAN_VAULT__TOKEN": TOKEN}
    with serving("--data", ".", cwd=tmp_path, command="migrate",
                 SAMPAN_VAULT__DATABASE_URL=fresh_database.owner_dsn) as migrating:  # fmt: skip
        assert migrating.end() == 0, migrating.text
    (tmp_path / "empty").mkdir()
    for member, data, environment, words in (
        ("vault", "empty", own, "There is no keyring here."),
        ("vault", ".", {"SAMPAN_VAULT__TOKEN": TOKEN}, "SAMPAN_VAULT__DATABASE_URL: The vault needs"),
        ("vault", ".", own | {"SAMPAN_VAULT__TOKEN": "short"}, "SAMPAN_VAULT__TOKEN: Vault and services need"),
        ("router", "empty", hub | {"SAMPAN_VAULT__URL": "http://vault.example.org"}, "SAMPAN_VAULT__URL: Keys would"),
        ("router", "empty", hub | {"SAMPAN_VAULT__URL": nobody, "SAMPAN_VAULT__WAIT_SECONDS": "0"},
         "SAMPAN_VAULT__URL: The vault did not answer within 0 seconds."),
        ("router", "empty", hub, "There is no keyring here."),
    ):  # fmt: skip
        with serving(
            member, "--data", data, "--port", str(free_port()), cwd=tmp_path, command="run", **environment
        ) as serve:
            assert serve.end() == 1, serve.text
            assert words in " ".join(serve.text.split()), serve.text
            assert "Traceback" not in serve.text

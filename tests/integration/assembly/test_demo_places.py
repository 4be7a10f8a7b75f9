"""Where ``make run-kafka`` keeps keys: beside what they open, never in it."""

from __future__ import annotations

import stat
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from contracts.errors import SetupProblem
from services.assembly import demo_places, process
from services.assembly.settings import ServerSettings, VaultSettings
from services.assembly.vault_member import migrate_vault
from services.runtime.postgres import EmbeddedPostgres


def listing(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.timeout(180)
def test_keys_lie_beside_what_they_open(tmp_path: Path) -> None:
    """The vault's folder alone has the keyring, and the hub's role cannot reach the vault's database. A second start
    finds both again; without its keyring there is none.
    """
    settings = ServerSettings(data=tmp_path / "data")
    with demo_places.opened(settings) as first:
        assert first.keyring_folder == settings.data / "vault"
        made = (first.keyring_folder / "keyring.json").read_bytes()
        assert stat.S_IMODE(first.keyring_folder.stat().st_mode) == 0o700
        assert [path.name for path in settings.data.rglob("keyring.json")] == ["keyring.json"]
        with psycopg.connect(first.vault) as vault:
            assert vault.execute("select count(*) from vault.gates").fetchone() == (0,)
        hub_in_the_vaults = first.hub.replace("/sampan?", "/vault?")
        assert hub_in_the_vaults != first.hub
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(hub_in_the_vaults)
        assert "postgresql" not in repr(first)
    with demo_places.opened(settings) as second:
        assert (second.keyring_folder / "keyring.json").read_bytes() == made
    (settings.data / "vault" / "keyring.json").unlink()
    with pytest.raises(SetupProblem) as refused, demo_places.opened(settings):
        raise AssertionError
    assert refused.value.code == "keyring-missing"


def test_a_folder_of_an_older_layout_is_left_as_it_is(tmp_path: Path) -> None:
    """Keys that stand in the services' database are neither moved nor passed over: one sentence says what to do."""
    (tmp_path / "keyring.json").write_text("keys of an earlier start")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "rows").write_text("sealed under them")
    before = listing(tmp_path)
    with pytest.raises(SetupProblem) as refused, demo_places.opened(ServerSettings(data=tmp_path)):
        raise AssertionError
    assert (refused.value.code, refused.value.field) == ("older-layout", "--data")
    assert "sampan serve" in (refused.value.remedy or "")
    assert listing(tmp_path) == before
    assert not (tmp_path / "vault").exists()


def test_a_vaults_database_that_is_not_there_is_said_in_one_sentence(
    tmp_path: Path, postgres_server: EmbeddedPostgres
) -> None:
    """As with containers whose volume was made before the vault had a database: no keyring is made for nothing."""
    nowhere = SecretStr(postgres_server.owner_dsn("no_such_vault"))
    settings = ServerSettings(data=tmp_path, vault=VaultSettings(database_url=nowhere))
    with pytest.raises(SetupProblem) as refused:
        migrate_vault(settings, lambda is_new: process.keyring(settings, is_new=is_new))
    assert (refused.value.code, refused.value.field) == ("no-database", "SAMPAN_VAULT__DATABASE_URL")
    assert not (tmp_path / "keyring.json").exists()

"""The keyring of a process: made for a new database, and never replaced behind one that holds what it sealed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from contracts.errors import NotAuthentic, SetupProblem
from services.assembly import process
from services.assembly.cli import migrate
from services.assembly.enrolling import enrol_agency
from services.assembly.settings import ServerSettings
from tests.support.postgres import FreshDatabase


def settings(database: FreshDatabase, data: Path, passphrase: str | None = None) -> ServerSettings:
    """A server on a database that is not in its data folder."""
    return ServerSettings(
        data=data,
        database_url=SecretStr(database.owner_dsn),
        passphrase=None if passphrase is None else SecretStr(passphrase),
    )


def first_start(settings_: ServerSettings) -> None:
    """Open, serve for a moment, close."""

    async def serve(dsn: str) -> None:
        async with process.running_instance(settings_, dsn, keys, {}):
            pass

    with process.opened(settings_) as (dsn, keys):
        asyncio.run(serve(dsn))


def test_a_new_database_gets_a_keyring(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """The first start makes it, protected as was asked; the second finds the same and asks for the passphrase."""
    first_start(settings(fresh_database, tmp_path, "words"))
    made = (tmp_path / "keyring.json").read_bytes()
    with process.opened(settings(fresh_database, tmp_path, "words")) as (_dsn, keys):
        assert keys.is_protected
    assert (tmp_path / "keyring.json").read_bytes() == made
    with pytest.raises(NotAuthentic), process.opened(settings(fresh_database, tmp_path, "other words")):
        raise AssertionError


def test_a_start_that_broke_off_before_anything_was_kept_starts_anew(
    fresh_database: FreshDatabase, tmp_path: Path
) -> None:
    """A migrated database that nobody has served holds nothing sealed: it is still new."""
    with process.opened(settings(fresh_database, tmp_path / "first")):
        pass
    with process.opened(settings(fresh_database, tmp_path / "second")):
        assert (tmp_path / "second" / "keyring.json").exists()


def test_a_lost_keyring_is_not_replaced(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """Behind a database that was served, serving and enrolling each ask for the backup, and make no new one."""
    known = settings(fresh_database, tmp_path)
    first_start(known)
    (tmp_path / "keyring.json").unlink()
    with pytest.raises(SetupProblem) as refused, process.opened(known):
        raise AssertionError
    assert refused.value.code == "keyring-missing"
    assert "backup" in (refused.value.remedy or "")
    with pytest.raises(SetupProblem) as refused:
        enrol_agency(known, "ngo-th", tmp_path / "out", 1)
    assert refused.value.code == "keyring-missing"
    assert not (tmp_path / "keyring.json").exists()


def test_a_keyring_kept_elsewhere_is_taken_back(fresh_database: FreshDatabase, tmp_path: Path) -> None:
    """With its backup in place again the same database opens."""
    known = settings(fresh_database, tmp_path)
    first_start(known)
    kept = tmp_path / "keyring.json"
    kept.rename(tmp_path / "backup")
    with pytest.raises(SetupProblem), process.opened(known):
        raise AssertionError
    (tmp_path / "backup").rename(kept)
    first_start(known)


def test_migrating_makes_both_and_again_changes_nothing(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``sampan migrate`` leaves a database and a protected keyring that a service alone may open, each time."""
    monkeypatch.setenv("SAMPAN_DATABASE_URL", fresh_database.owner_dsn)
    monkeypatch.setenv("SAMPAN_PASSPHRASE", "words")
    migrate(tmp_path)
    made = (tmp_path / "keyring.json").read_bytes()
    migrate(tmp_path)
    assert (tmp_path / "keyring.json").read_bytes() == made
    dsn, keys = process.shared(settings(fresh_database, tmp_path, "words"))
    assert (dsn, keys.is_protected) == (fresh_database.owner_dsn, True)

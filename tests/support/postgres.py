"""One throw-away PostgreSQL for a whole test session, and a fresh migrated database for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from services.runtime.postgres import EmbeddedPostgres, migrate, mint_log_id

_TEMPLATE = "sampan_template"


@dataclass(frozen=True)
class FreshDatabase:
    """A database of its own, with every migration applied."""

    name: str
    dsn: str
    owner_dsn: str
    vault_dsn: str


class DatabaseFactory:
    """Makes fresh databases on one server, each a copy of a template that is migrated once."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.server = server
        self._numbers = count(1)
        server.create_database(_TEMPLATE)
        migrate(server.owner_dsn(_TEMPLATE))

    def make(self) -> FreshDatabase:
        name = f"test_{next(self._numbers)}"
        self.server.create_database(name, template=_TEMPLATE)
        mint_log_id(self.server.owner_dsn(name), "a copy of the template")
        return FreshDatabase(
            name=name,
            dsn=self.server.dsn(name),
            owner_dsn=self.server.owner_dsn(name),
            vault_dsn=self.server.dsn(name, role="sampan_vault"),
        )

    def drop(self, database: FreshDatabase) -> None:
        self.server.drop_database(database.name)


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that the server's own user can walk into, which pytest's ``tmp_path`` is not under root."""
    folder = Path(tempfile.mkdtemp(prefix="sampan-test-"))
    os.chmod(folder, 0o711)  # noqa: S103 (walking through is the point)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[EmbeddedPostgres]:
    """The session's server (one per xdist worker, since each worker is a session of its own)."""
    with EmbeddedPostgres(server_folder / "session", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def database_factory(postgres_server: EmbeddedPostgres) -> DatabaseFactory:
    return DatabaseFactory(postgres_server)


@pytest.fixture
def fresh_database(database_factory: DatabaseFactory) -> Iterator[FreshDatabase]:
    """A migrated database that only this test uses; dropped afterwards."""
    database = database_factory.make()
    yield database
    database_factory.drop(database)

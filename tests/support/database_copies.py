"""A database and its backups: what a restored one knows, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.postgres import DatabaseFactory, FreshDatabase


class Days:
    """One database and its copies."""

    def __init__(self, factory: DatabaseFactory) -> None:
        self._factory = factory
        self.made: list[FreshDatabase] = []

    def first(self) -> FreshDatabase:
        self.made.append(self._factory.make())
        return self.made[-1]

    def backup(self, of: FreshDatabase) -> FreshDatabase:
        """The database as it is now, under another name."""
        server, name = self._factory.server, f"{of.name}_restored"
        server.create_database(name, template=of.name)
        vault = server.dsn(name, role="sampan_vault")
        self.made.append(FreshDatabase(name, server.dsn(name), server.owner_dsn(name), vault))
        return self.made[-1]


@pytest.fixture
def days(database_factory: DatabaseFactory) -> Iterator[Days]:
    kept = Days(database_factory)
    yield kept
    for database in kept.made:
        database_factory.drop(database)

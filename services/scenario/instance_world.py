"""A throw-away Sampan for scenarios: an embedded PostgreSQL in a temporary folder, a fresh database a run."""

from __future__ import annotations

import os
import random as jitter
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

from deploy.region import load_region
from routing.law import Law
from services.assembly.identity import instance_id
from services.assembly.instance import Edges, build
from services.runtime.clock import ManualClock
from services.runtime.postgres import EmbeddedPostgres, migrate, mint_log_id
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.scenario.driver import Driver
from services.scenario.instance_driver import InstanceDriver
from services.scenario.lines import Lines, with_machines
from services.scenario.run import OpenDriver
from services.scenario.table import RuleTitle
from services.vault.keyring import Keyring

TEMPLATE: Final = "scenario_template"
_BEGINNING: Final = datetime(2020, 1, 1, tzinfo=UTC)


class InstanceWorld:
    """One database server; each run gets a database, a keyring and an instance of its own."""

    def __init__(self, server: EmbeddedPostgres, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._numbers = count(1)
        self.directory = with_machines(load_region())
        self.law = Law.of_sample_region(self.directory)
        server.create_database(TEMPLATE)
        migrate(server.owner_dsn(TEMPLATE))

    @asynccontextmanager
    async def open_driver(self) -> AsyncIterator[Driver]:
        """A driver over a fresh instance; its database is dropped afterwards."""
        name = f"scenario_{next(self._numbers)}"
        self._server.create_database(name, template=TEMPLATE)
        mint_log_id(self._server.owner_dsn(name), "a copy of the template")
        clock = ManualClock(_BEGINNING)
        store = await PostgresStore.connect(self._server.dsn(name), clock, Wake())
        lines = Lines()
        try:
            keyring = Keyring.create(self._folder / f"{name}.keyring.json", secrets.token_bytes, None)
            edges = Edges(
                store=store,
                keyring=keyring,
                directory=self.directory,
                law=lambda: self.law,
                clock=clock,
                random=secrets.token_bytes,
                uniform=jitter.SystemRandom().uniform,
                targets=lines,
                instance_id=await instance_id(store, "Scenario", secrets.token_bytes, demo=False),
                name="Scenario",
                demo=False,
                owner=f"scenario/{os.getpid()}",
            )
            yield InstanceDriver(build(edges), clock, self._server.owner_dsn(name), lines)
        finally:
            await store.close()
            self._server.drop_database(name)

    def rule_title(self, rule_id: str) -> str:
        """A rule's title in plain words; the id where the rule is unknown."""
        return next((rule.title for rule in self.law.rules if rule.id == rule_id), rule_id)


@contextmanager
def instance_world() -> Iterator[tuple[OpenDriver, RuleTitle]]:
    """Start the server for as long as scenarios are played; nothing of it remains.

    Raises:
        SetupProblem: the database does not start.
    """
    with tempfile.TemporaryDirectory(prefix="sampan-scenario-") as name:
        folder = Path(name)
        # The database has a user of its own where we are root: it must be able to walk through.
        os.chmod(folder, 0o711)  # noqa: S103
        with EmbeddedPostgres(folder / "postgres", durable=False) as server:
            world = InstanceWorld(server, folder)
            yield world.open_driver, world.rule_title

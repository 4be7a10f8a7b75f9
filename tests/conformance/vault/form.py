"""What the contract of the vault is tested with: one form of it, its caller's database, and its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.vault.keyring import Keyring
from services.vault.port import VaultDoor
from tests.support.vault_world import VaultWorld


class CallerFailed(Exception):
    """The caller's transaction ends without a commit."""


@dataclass
class Form:
    """``hub``: the caller's database. ``keys``: the vault's; embedded, it is the same."""

    vault: VaultDoor
    keyring: Keyring
    world: VaultWorld
    hub: asyncpg.Pool
    keys: asyncpg.Pool

    @asynccontextmanager
    async def step(self, *, fails: bool = False) -> AsyncIterator[Any]:
        """A transaction of the caller; one that fails is undone."""
        try:
            async with self.hub.acquire() as connection, connection.transaction():
                yield connection
                if fails:
                    raise CallerFailed
        except CallerFailed:
            pass

    async def version(self) -> int:
        """Of the subject's gate."""
        found: int = await self.keys.fetchval(
            "select version from vault.gates where subject_id = $1", self.world.subject
        )
        return found

    async def blocked(self) -> bool:
        """Whether somebody waits for a lock in either database."""
        waiting: bool = await self.keys.fetchval("select exists (select 1 from pg_locks where not granted)")
        return waiting

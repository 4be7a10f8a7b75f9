"""The vault in a database of its own: each call is one transaction here, committed before the caller's.

So each call may be repeated, and nothing counts twice: see :mod:`services.vault.port` and ADR 0132.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self, TypeVar
from uuid import UUID

import asyncpg
import structlog

from contracts.errors import SampanError
from contracts.ids import Random
from contracts.sealing import SealedEvent, SealedSubmission
from contracts.sealing.release import EdgePublicKey
from services.runtime.failures import error_code, is_transient, raised_at
from services.vault import fence, readmission, store
from services.vault.bundles import PinnedKey
from services.vault.errors import away
from services.vault.key_holder import KeyHolder
from services.vault.keyring import Keyring
from services.vault.naming import Naming, naming_keys
from services.vault.port import Admission, Narrowing, OpenedRecord, OpenedSubmission
from services.vault.tickets import Grant, Regranted, Ticket
from services.vault.vault import Vault

_TRIES: Final = 8
"""A transaction that lost against another one is begun again."""
_CONNECTIONS_MAX: Final = 10
_STATEMENT_SECONDS: Final = 30
_log = structlog.get_logger(__name__)
Done = TypeVar("Done")


class VaultApart(Naming):
    """See :class:`services.vault.port.VaultDoor`.

    The caller's connection serves for one thing: the fence between taking in and erasing (:mod:`fence`). A caller
    that has none, as the server of :mod:`services.vault.http`, passes None; its own caller keeps the fence.

    Args:
        keyring: unlocked.
        random: for keys and nonces.
        pool: connections to the vault's database, as the role ``sampan_vault`` or its owner.
    """

    def __init__(self, keyring: Keyring, random: Random, pool: asyncpg.Pool) -> None:
        super().__init__(naming_keys(keyring), keyring.public, random)
        self._inner, self._holder, self.pool = Vault(keyring, random), KeyHolder(keyring, random), pool

    @classmethod
    async def connect(cls, dsn: str, keyring: Keyring, random: Random) -> Self:
        """Open a pool on ``dsn``. Close it with :meth:`close`."""
        seconds = str(_STATEMENT_SECONDS * 1000)
        limits = {"idle_in_transaction_session_timeout": seconds, "statement_timeout": seconds}
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=_CONNECTIONS_MAX, server_settings=limits)
        return cls(keyring, random, pool)

    async def close(self) -> None:
        await self.pool.close()

    # Taking in.

    async def open_submissions(
        self, submissions: Sequence[tuple[SealedSubmission, SealedEvent]]
    ) -> list[OpenedSubmission | SampanError]:
        """Needs no database."""
        return await self._inner.open_submissions(submissions)

    async def admit(self, connection: Any, admissions: Sequence[Admission], now: datetime) -> None:
        """Raises also Conflict: ``id-used``. Admitted again, an event keeps its keys; new persons get shares."""
        if not admissions:
            return
        if connection is not None:
            await fence.share(connection, {s for one in admissions for s in one.subjects.values()})
        await self._own(lambda own: readmission.admit(own, self._holder, self._random, admissions, now))

    async def narrow(self, connection: Any, narrowings: Sequence[Narrowing]) -> dict[UUID, int]:
        """Each (event, subject) counts once, however often it is said."""
        if not narrowings:
            return {}

        async def once(own: Any) -> dict[UUID, int]:
            await store.narrow_once(own, narrowings)
            return await store.gate_versions(own, {subject_id for _, subject_id in narrowings})

        return await self._own(once)

    # For the router.

    async def facts_keys(self, connection: Any, subject_ids: Collection[UUID]) -> dict[UUID, bytes]:
        return await self._own(lambda own: self._inner.facts_keys(own, subject_ids)) if subject_ids else {}

    async def open_records(
        self, connection: Any, records: Sequence[tuple[SealedEvent, Sequence[UUID]]]
    ) -> list[OpenedRecord | None]:
        return await self._own(lambda own: self._inner.open_records(own, records)) if records else []

    async def grant(
        self, connection: Any, grants: Sequence[Grant], facts_keys: Mapping[UUID, bytes] | None = None
    ) -> None:
        if grants:
            await self._own(lambda own: self._inner.grant(own, grants, facts_keys))

    async def change_grants(
        self, connection: Any, changes: Sequence[Regranted], versions: Mapping[UUID, int]
    ) -> None:
        if changes or versions:
            await self._own(lambda own: self._inner.change_grants(own, changes, versions))

    # Opening.

    async def release_keys(
        self, connection: Any, tickets: Sequence[Ticket], now: datetime
    ) -> list[dict[str, PinnedKey] | SampanError]:
        """Gates are held for this one transaction: the opening has its place among the narrowings here."""
        return await self._own(lambda own: self._inner.release_keys(own, tickets, now)) if tickets else []

    async def release_to_edge(
        self, connection: Any, tickets: Sequence[Ticket], edge: EdgePublicKey, now: datetime
    ) -> list[bytes | SampanError]:
        return await self._own(lambda own: self._inner.release_to_edge(own, tickets, edge, now)) if tickets else []

    # Erasing.

    async def hold(self, connection: Any, subject_id: UUID) -> None:
        if connection is not None:
            await fence.exclude(connection, subject_id)

    async def count_bundles(self, connection: Any, subject_id: UUID) -> int:
        return await self._own(lambda own: self._inner.count_bundles(own, subject_id))

    async def erase_subject(self, connection: Any, subject_id: UUID) -> None:
        await self._own(lambda own: self._inner.erase_subject(own, subject_id))

    async def erase_groups(self, connection: Any, subject_id: UUID, labels: Collection[str]) -> None:
        await self._own(lambda own: self._inner.erase_groups(own, subject_id, labels))

    async def _own(self, work: Callable[[Any], Awaitable[Done]]) -> Done:
        """One transaction of the vault's database.

        Raises:
            VaultAway: it cannot be reached or takes nothing, its commit's outcome is unknown, or it is too busy.
        """
        for _ in range(_TRIES):
            is_begun = False
            try:
                async with self.pool.acquire() as connection, connection.transaction():
                    is_begun = True
                    return await work(connection)
            except asyncpg.TransactionRollbackError:
                continue
            except Exception as error:
                if is_begun and not _is_of_database(error):
                    raise
                if not is_transient(error):  # a password that was changed, a standby that only reads
                    _log.error("vault_database_refuses", error=error_code(error), at=raised_at(error))
                raise away() from None
        raise away()


def _is_of_database(error: Exception) -> bool:
    """Whether the database failed us: that says nothing of what was asked, and is never a refusal of it."""
    return not isinstance(error, SampanError) and (
        isinstance(error, asyncpg.PostgresError) or is_transient(error)
    )

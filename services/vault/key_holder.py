"""Subject keys between database and use: unwrapped when asked for, made when a subject is new."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import NotAuthentic
from contracts.ids import Random
from services.vault import store
from services.vault.errors import erased
from services.vault.keyring import Keyring
from services.vault.subject_keys import unwrap_subject_key, wrap_subject_key


class KeyHolder:
    """Holds the key-encryption keys; gives out subject keys."""

    def __init__(self, keyring: Keyring, random: Random) -> None:
        self._epoch, self._random = keyring.epoch, random
        self._keks = {epoch: AESGCM(key) for epoch, key in keyring.keks.items()}

    async def existing(self, connection: Any, subject_ids: Collection[UUID]) -> dict[UUID, bytes]:
        """The keys of those who have one: neither the unknown nor the erased."""
        rows = await store.subject_keys(connection, subject_ids)
        return {
            subject_id: self.unwrapped(subject_id, row.kek_epoch, row.wrapped)
            for subject_id, row in rows.items()
        }

    async def ensured(
        self, connection: Any, subject_ids: Collection[UUID], now: datetime
    ) -> dict[UUID, bytes]:
        """A key for each, made where a subject is new.

        Raises:
            GateClosed: ``erased``.
        """
        keys = await self.existing(connection, subject_ids)
        new = sorted(set(subject_ids) - set(keys))
        if not new:
            return keys
        made = {subject_id: self._wrapped(subject_id, self._random(32)) for subject_id in new}
        await store.insert_subjects(connection, made, self._epoch, now)
        # Read back: another process may have made the key first, and an erased subject gets none.
        keys |= await self.existing(connection, new)
        if len(keys) != len(set(subject_ids)):
            raise erased()
        return keys

    def unwrapped(self, subject_id: UUID, epoch: int, wrapped: bytes) -> bytes:
        """Raises NotAuthentic: ``kek-missing``, ``key-broken``."""
        kek = self._keks.get(epoch)
        if kek is None:
            raise NotAuthentic(
                "The keyring lacks the epoch that wraps this key.", code="kek-missing",
                remedy="Restore the keyring that belongs to this database.",
            )  # fmt: skip
        return unwrap_subject_key(kek, epoch, subject_id, wrapped)

    def _wrapped(self, subject_id: UUID, key: bytes) -> bytes:
        return wrap_subject_key(self._keks[self._epoch], self._epoch, subject_id, key, self._random)

"""The client's secret: digests and ids that mean nothing to whoever does not hold it.

A bare hash of a name and a birth date can be guessed; a keyed one cannot. The secret lies in an owner-only
file beside the spool. Losing it loses nothing but the memory that a document was sent before.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from services.client.files import private_folder, read_private, write_private

_LENGTH: Final = 32


class Secret:
    """Keyed digests for the spool and for ids derived from a document."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def at(cls, folder: Path, random: Callable[[int], bytes]) -> Secret:
        """The secret kept in ``folder``, made at first use from ``random``."""
        path = private_folder(folder) / "client.secret"
        if not path.exists():
            write_private(path, random(_LENGTH))
        return cls(read_private(path, "client secret"))

    @classmethod
    def of_agency(cls, seed: bytes) -> Secret:
        """A secret that every machine holding the agency's signing key agrees on: for ids of documents."""
        return cls(hmac.new(seed, b"sampan/client/ids/1", hashlib.sha256).digest())

    def digest(self, purpose: str, *parts: bytes) -> bytes:
        """HMAC-SHA-256 over the parts, each with its length before it."""
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in (b"sampan/client/1", purpose.encode(), *parts):
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.digest()

    def content(self, document: bytes) -> str:
        """What the spool remembers a submission by: 32 hex digits."""
        return self.digest("content", document).hex()[:32]

    def chain(self, case: str) -> str:
        """What stands for a case in the spool: 16 hex digits."""
        return self.digest("chain", case.encode()).hex()[:16]

    def mark(self, submission_id: UUID, takes_away: bool) -> str:
        """Whether a sealed submission only takes away, for this client to read: 8 hex digits."""
        return self.digest("takes-away" if takes_away else "ordinary", submission_id.bytes).hex()[:8]

    def uuid(self, purpose: str, *parts: bytes) -> UUID:
        """An id that the same parts always get (UUIDv8, RFC 9562 section 5.8)."""
        value = int.from_bytes(self.digest(purpose, *parts)[:16], "big")
        value = value & ~(0xF << 76) | (8 << 76)
        return UUID(int=value & ~(0x3 << 62) | (0x2 << 62))

"""What needs a key but no database: names that recipients see, marks of content, sealing under a key at hand.

None of these keys opens anything. A process that works over a vault of its own house is given them once, at its
start; the keyring stays where it is.
"""

from __future__ import annotations

import hmac
from uuid import UUID

import msgspec

from contracts import ids
from contracts.ids import Random
from contracts.sealing import VaultPublicKey, document_mac
from services.vault.bundles import check_parts
from services.vault.keyring import Keyring
from services.vault.port import Admission
from services.vault.subject_keys import open_facts, seal_facts


class NamingKeys(msgspec.Struct, frozen=True, kw_only=True):
    """32 bytes each. Prints nothing of itself."""

    alias_key: bytes
    code_key: bytes
    mac_key: bytes

    def __repr__(self) -> str:
        return "NamingKeys(▒▒▒)"


def naming_keys(keyring: Keyring) -> NamingKeys:
    """The part of a keyring that opens nothing."""
    return NamingKeys(alias_key=keyring.alias_key, code_key=keyring.code_key, mac_key=keyring.mac_key)


class Naming:
    """The part of a vault that every form of it shares.

    Args:
        keys: the naming keys of the instance.
        public: what senders seal to.
        random: for nonces; ``os.urandom`` in a running service.
    """

    def __init__(self, keys: NamingKeys, public: VaultPublicKey, random: Random) -> None:
        self._names, self._public, self._random = keys, public, random

    @property
    def public(self) -> VaultPublicKey:
        """What senders seal to: for :class:`contracts.api.InstanceInfo`."""
        return self._public

    def alias(self, kind: str, original: UUID, recipient: UUID) -> UUID:
        """What ``recipient`` sees instead of ``original``; see :func:`contracts.ids.alias`."""
        return ids.alias(self._names.alias_key, kind, original, recipient)

    def case_code(self, case_id: UUID, agency_id: UUID, attempt: int = 0) -> str:
        """``SP-XXXXX-XXXXX``; see :func:`contracts.ids.case_code`."""
        return ids.case_code(self._names.code_key, case_id, agency_id, attempt)

    def webhook_seed(self) -> bytes:
        """The ed25519 seed with which this instance signs its notices to webhooks."""
        return hmac.digest(self._names.mac_key, b"sampan/webhook-signing/1", "sha256")

    def content_mac(self, content: bytes) -> bytes:
        """32 bytes that tell whether the same bytes were handed in before."""
        return document_mac(self._names.mac_key, content)

    def seal_facts(self, key: bytes, content: bytes, aad: bytes) -> bytes:
        """Seal under a facts key; ``aad`` says what this is and of whom. Padded to a size class."""
        return seal_facts(key, content, aad, self._random)

    def open_facts(self, key: bytes, sealed: bytes, aad: bytes) -> bytes:
        """Raises NotAuthentic: ``key-broken``."""
        return open_facts(key, sealed, aad)

    def check_admission(self, admission: Admission) -> None:
        """Raises InvalidInput: ``part-of-nobody``; what admitting would raise because of this event alone."""
        check_parts(admission.keys, admission.subjects)

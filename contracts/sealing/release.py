"""Released keys: the keys of granted slots, sealed by HPKE to the edge that an agency runs in its own house.

A release is bound to the dispatch (as the recipient knows it), the recipient and the edge's key, so one that is
taken for another, or by another, opens nothing. Suite as for manifests: :mod:`contracts.sealing.manifest`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from contracts.errors import InvalidInput, NotAuthentic
from contracts.sealing.manifest import VAULT_SEED_BYTES, VaultPrivateKey, VaultPublicKey
from contracts.sealing.padding import pad, unpad
from contracts.sealing.slots import SlotKey

EDGE_SEED_BYTES: Final = VAULT_SEED_BYTES
_KEYS: Final = b"sampan/edge-keys/1"
_ORDER: Final = b"sampan/edge-order/1"
_KEYS_SIZE: Final = 4096  # all labels of one dispatch fit: every release has one size


class Bound(NamedTuple):
    """What a release is for. ``dispatch``: the recipient's alias; ``recipient``: its agency id."""

    dispatch: UUID
    recipient: UUID

    def info(self, what: bytes, key_id: str) -> bytes:
        """HPKE's ``info`` (RFC 9180, 5): another purpose, dispatch, recipient or key, and nothing opens."""
        return b"".join((what, self.dispatch.bytes, self.recipient.bytes, key_id.encode()))


class ReleasedKey(msgspec.Struct, frozen=True):
    """A slot's key and the digest of the slot that its sender signed."""

    key: SlotKey
    digest: bytes


class EdgePublicKey:
    """The key that an agency's edge registered. Its id follows from it, so no id can stand for another key."""

    __slots__ = ("_key", "key_id", "raw")

    def __init__(self, raw: bytes) -> None:
        """Raises InvalidInput: ``bad-edge-key``."""
        self.key_id = "edge-" + hashlib.sha256(raw).hexdigest()[:16]
        try:
            self._key = VaultPublicKey(self.key_id, raw)
        except InvalidInput:
            raise InvalidInput(
                "This is no public key of an edge.",
                code="bad-edge-key",
                field="public_key",
                remedy="Send what `sampan edge init` made, unaltered.",
            ) from None
        self.raw = raw

    def seal_keys(self, keys: Sequence[ReleasedKey], bound: Bound) -> bytes:
        """Seal the keys of one dispatch's slots."""
        content = pad(msgspec.msgpack.encode(keys), _KEYS_SIZE, field="keys")
        return self._key.seal(content, bound.info(_KEYS, self.key_id))

    def seal_order(self, content: bytes, bound: Bound) -> bytes:
        """Seal what is to be told beside the groups."""
        return self._key.seal(content, bound.info(_ORDER, self.key_id))


class EdgePrivateKey:
    """The edge's key, from its 96-byte seed. Prints nothing of itself."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self.public = EdgePublicKey(VaultPrivateKey("", seed).public.raw)
        self._key = VaultPrivateKey(self.public.key_id, seed)

    def open_keys(self, sealed: bytes, bound: Bound) -> tuple[ReleasedKey, ...]:
        """Raises NotAuthentic: ``release-broken``; sealed to another key, dispatch or recipient, or altered."""
        content = self._open(sealed, bound.info(_KEYS, self.public.key_id))
        try:
            return msgspec.msgpack.decode(unpad(content), type=tuple[ReleasedKey, ...])
        except (msgspec.DecodeError, InvalidInput):
            raise _broken() from None

    def open_order(self, sealed: bytes, bound: Bound) -> bytes:
        """Raises NotAuthentic as :meth:`open_keys`."""
        return self._open(sealed, bound.info(_ORDER, self.public.key_id))

    def _open(self, sealed: bytes, info: bytes) -> bytes:
        try:
            return self._key.open(sealed, info)
        except NotAuthentic:
            raise _broken() from None

    def __repr__(self) -> str:
        return f"EdgePrivateKey({self.public.key_id}, ▒▒▒)"


def _broken() -> NotAuthentic:
    return NotAuthentic(
        "A release was not made for this edge and this dispatch.",
        code="release-broken",
        remedy="If the edge's key was changed, start the edge again; if it stays, tell the operator.",
    )

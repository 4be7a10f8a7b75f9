"""The manifest: which slot is what, and its key. Sealed by HPKE to the vault; never enters the log.

Padded by the number of slots, so that its size does not tell how many of them are real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from contracts.errors import InvalidInput
from contracts.ids import uuid_of
from contracts.sealing import suite as s
from contracts.sealing.event import Header
from contracts.sealing.padding import pad, unpad
from contracts.sealing.slots import SlotKey
from contracts.sealing.wire import Reader, write_long

_INFO: Final = b"sampan/manifest/1"
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_MLKEM_PUBLIC: Final = 1184
_MLKEM_SEED: Final = 64
VAULT_SEED_BYTES: Final = _MLKEM_SEED + 32
_MANIFEST_SIZE: Final = {8: 1024, 16: 4096, 32: 4096}


class VaultPublicKey:
    """The key that senders seal manifests to: ML-KEM-768 (1184 bytes), then X25519 (32 bytes)."""

    __slots__ = ("_key", "key_id", "raw")

    def __init__(self, key_id: str, raw: bytes) -> None:
        """Raises InvalidInput: ``bad-vault-key``."""
        try:
            self._key = MLKEM768X25519PublicKey(
                MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
                X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:]),
            )
        except ValueError:
            raise InvalidInput(
                "The public key of this Sampan instance cannot be used.", code="bad-vault-key",
                field="vault_public_key", remedy="Fetch the instance's description again.",
            ) from None
        self.key_id = key_id
        self.raw = raw

    def seal(self, plaintext: bytes, info: bytes) -> bytes:
        """HPKE in base mode; the encapsulation's randomness is the library's own."""
        return _SUITE.encrypt(plaintext, self._key, info)


class VaultPrivateKey:
    """The vault's HPKE key, from its 96-byte seed (64 ML-KEM-768, 32 X25519). Prints nothing of itself."""

    __slots__ = ("_key", "key_id", "public")

    def __init__(self, key_id: str, seed: bytes) -> None:
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:])
        self._key = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.key_id = key_id
        self.public = VaultPublicKey(
            key_id, mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        )

    def open(self, ciphertext: bytes, info: bytes) -> bytes:
        """Raises NotAuthentic: ``manifest-broken``."""
        try:
            return _SUITE.decrypt(ciphertext, self._key, info)
        except (InvalidTag, ValueError):
            raise s.not_authentic("The keys do not belong to this sealed event.", "manifest-broken") from None

    def __repr__(self) -> str:
        return f"VaultPrivateKey({self.key_id}, ▒▒▒)"


def manifest_info(header: Header, event_bytes: bytes) -> bytes:
    """Binds a manifest to the instance, the event and every byte of the sealed event."""
    return b"".join(
        (
            _INFO,
            header.suite.to_bytes(2, "big"),
            header.instance.bytes,
            header.event_id.bytes,
            hashlib.sha256(event_bytes).digest(),
        )
    )


def encode_manifest(keys: Sequence[SlotKey], slot_count: int) -> bytes:
    """Padded bytes of a manifest."""
    parts = [write_long(len(keys))]
    for key in keys:
        parts += (
            key.slot_id.bytes,
            bytes([s.LABELS.index(key.label)]),
            b"\1" + key.subject_ref.bytes if key.subject_ref else b"\0",
            key.fingerprint,
            key.key,
        )
    return pad(b"".join(parts), _MANIFEST_SIZE[slot_count], field="manifest")


def decode_manifest(data: bytes) -> tuple[SlotKey, ...]:
    """Read a manifest.

    Raises:
        InvalidInput: ``malformed-seal``; a label twice for one subject, or not exactly one control slot.
    """
    reader = Reader(unpad(data))
    keys = tuple(_read_key(reader) for _ in range(reader.count(s.SLOT_COUNTS[-1])))
    reader.end()
    parts = {(key.label, key.subject_ref) for key in keys}
    if len(parts) != len(keys) or len({key.slot_id for key in keys}) != len(keys):
        raise s.malformed("a part stands in it twice")
    if [key.subject_ref for key in keys if key.label == s.CONTROL] != [None]:
        raise s.malformed("its control part is missing")
    return keys


def _read_key(reader: Reader) -> SlotKey:
    slot_id = uuid_of(reader.fixed(16))
    label = reader.fixed(1)[0]
    if label >= len(s.LABELS):
        raise s.unknown_suite()
    subject = uuid_of(reader.fixed(16)) if reader.boolean() else None
    fingerprint = reader.fixed(s.FINGERPRINT_BYTES)
    return SlotKey(slot_id, s.LABELS[label], subject, fingerprint, reader.fixed(s.KEY_BYTES))

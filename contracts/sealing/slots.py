"""Sealing and opening one slot.

AES-GCM alone does not commit to its key: one ciphertext can be built that opens under two keys to two texts.
So the encryption key and a commitment are both derived from (group key, associated data) by HMAC-SHA512, and
the commitment travels with the slot; a key that does not give it back is refused before anything is opened.
"""

from __future__ import annotations

import hashlib
import hmac
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.ids import Random
from contracts.sealing import suite as s
from contracts.sealing.event import Header, SealedSlot
from contracts.sealing.padding import pad, unpad

_DERIVE = b"sampan/slot-key/1"
_DIGEST = b"sampan/slot-digest/1"


class PlainSlot(msgspec.Struct, frozen=True):
    """A part before sealing: label, the sender's reference of her, schema fingerprint, content."""

    label: str
    subject_ref: UUID | None
    fingerprint: bytes
    content: bytes

    def __repr__(self) -> str:
        return f"PlainSlot({self.label}, {len(self.content)} bytes)"


class SlotKey(msgspec.Struct, frozen=True):
    """What opens one slot, and what it was sealed as. Travels in the manifest; the vault re-wraps it."""

    slot_id: UUID
    label: str
    subject_ref: UUID | None
    fingerprint: bytes
    key: bytes

    def __repr__(self) -> str:
        return f"SlotKey({self.slot_id}, ▒▒▒)"


def event_context(header: Header) -> bytes:
    """The part of the associated data that all slots of one event share; make it once per event."""
    return b"".join(
        _prefixed(part)
        for part in (
            header.suite.to_bytes(2, "big"),
            header.instance.bytes,
            header.sender.bytes,
            header.event_id.bytes,
            header.case_ref.encode(),
        )
    )


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def _derive(
    context: bytes, label: str, subject_ref: UUID | None, fingerprint: bytes, key: bytes
) -> tuple[bytes, bytes]:
    data = b"".join(
        (
            context,
            _prefixed(subject_ref.bytes if subject_ref else b""),
            _prefixed(label.encode()),
            _prefixed(fingerprint),
        )
    )
    return data, hmac.digest(key, _DERIVE + data, "sha512")


def seal_slot(context: bytes, plain: PlainSlot, random: Random) -> tuple[SealedSlot, SlotKey]:
    """Seal one part under a fresh key.

    Raises:
        InvalidInput: ``too-large``.
    """
    slot_id, key, nonce = random(16), random(s.KEY_BYTES), random(s.NONCE_BYTES)
    at_least = s.CONTROL_SIZE if plain.label == s.CONTROL else s.SIZE_CLASSES[0]
    padded = pad(plain.content, at_least, field=f"groups.{plain.label}")
    data, derived = _derive(context, plain.label, plain.subject_ref, plain.fingerprint, key)
    ciphertext = AESGCM(derived[:32]).encrypt(nonce, padded, data)
    slot = SealedSlot(slot_id, nonce, derived[32:], ciphertext)
    return slot, SlotKey(slot.slot_id, plain.label, plain.subject_ref, plain.fingerprint, key)


def decoy(size: int, random: Random) -> SealedSlot:
    """A slot that holds nothing: a real sealing of zeros under a key that is thrown away at once."""
    plain = PlainSlot("decoy", None, bytes(s.FINGERPRINT_BYTES), bytes(size - 4))
    return seal_slot(b"", plain, random)[0]


def check_slot(context: bytes, slot: SealedSlot, key: SlotKey) -> bytes:
    """Whether ``key`` is the key of this slot, without opening it; returns the derived bytes.

    Raises:
        NotAuthentic: ``seal-broken``; another key, event, case, subject, label or schema.
    """
    return _checked(context, slot, key)[1]


def _checked(context: bytes, slot: SealedSlot, key: SlotKey) -> tuple[bytes, bytes]:
    data, derived = _derive(context, key.label, key.subject_ref, key.fingerprint, key.key)
    if slot.raw_id != key.slot_id.bytes or not hmac.compare_digest(derived[32:], slot.commitment):
        raise s.not_authentic("A sealed part does not belong to this event, case or person.", "seal-broken")
    return data, derived


def open_slot(context: bytes, slot: SealedSlot, key: SlotKey) -> bytes:
    """The content of one slot.

    Raises:
        NotAuthentic: ``seal-broken``; a flipped bit; another event, case, subject, label or schema.
    """
    data, derived = _checked(context, slot, key)
    try:
        padded = AESGCM(derived[:32]).decrypt(slot.nonce, slot.ciphertext, data)
    except InvalidTag:
        raise s.not_authentic("A sealed part was altered on its way.", "seal-broken") from None
    return unpad(padded)


def slot_digest(slot: SealedSlot) -> bytes:
    """SHA-256 of a whole slot: what the sender signs, and what the vault pins with its key."""
    return hashlib.sha256(
        b"".join((_DIGEST, slot.raw_id, slot.nonce, slot.commitment, slot.ciphertext))
    ).digest()

"""The sender's signature: ed25519 (RFC 8032) over the header and the ordered list of slot digests.

Digests instead of slots, so that a recipient that gets three slots of eight can verify them without the rest.
libsodium verifies in half the time and is used where it is installed (the server); the light client has
``cryptography`` alone. Both take strict encodings; libsodium also refuses small-order keys, which no
directory holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import NotAuthentic
from contracts.sealing import suite as s
from contracts.sealing.event import SealedEvent, SealedSlot
from contracts.sealing.slots import slot_digest

_DOMAIN = b"sampan/sealed-event/1\0"


def _by_cryptography(public_key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@cache
def _fastest() -> Callable[[bytes, bytes, bytes], bool]:
    """Chosen at the first use: importing this module must not load a server's package at an agency."""
    try:
        from nacl.bindings import crypto_sign_open
        from nacl.exceptions import CryptoError
    except ImportError:
        return _by_cryptography

    def by_libsodium(public_key: bytes, signature: bytes, message: bytes) -> bool:
        try:
            crypto_sign_open(signature + message, public_key)
        except (CryptoError, ValueError, TypeError):
            return False
        return True

    return by_libsodium


class SigningKey:
    """An agency's signing key, from its 32-byte seed. Prints nothing of itself."""

    __slots__ = ("_key", "public_key")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        return "SigningKey(▒▒▒)"


def signed_bytes(header_bytes: bytes, digests: Sequence[bytes]) -> bytes:
    """What is signed: domain, header, digests, each with its length."""
    return b"".join(
        (
            _DOMAIN,
            len(header_bytes).to_bytes(4, "big"),
            header_bytes,
            len(digests).to_bytes(4, "big"),
            *digests,
        )
    )


def sign(header_bytes: bytes, slots: Sequence[SealedSlot], key: SigningKey) -> bytes:
    """The signature of an event about to travel."""
    return key.sign(signed_bytes(header_bytes, [slot_digest(slot) for slot in slots]))


def verify(event: SealedEvent, public_key: bytes) -> None:
    """Return if the sender of ``public_key`` (32 bytes, from the directory) signed exactly this event.

    Raises:
        NotAuthentic: ``bad-signature``.
    """
    digests = [slot_digest(slot) for slot in event.slots]
    _require(public_key, event.signature, signed_bytes(event.header_bytes, digests))


def verify_part(
    header_bytes: bytes,
    digests: Sequence[bytes],
    signature: bytes,
    slots: Sequence[SealedSlot],
    public_key: bytes,
) -> None:
    """Return if each of ``slots`` is part of the event signed as (``header_bytes``, ``digests``).

    Raises:
        NotAuthentic: ``bad-signature``; also where a slot's digest is not in the list.
    """
    ours = {slot_digest(slot) for slot in slots}
    if not ours <= set(digests) or any(len(digest) != s.DIGEST_BYTES for digest in digests):
        raise _bad_signature()
    _require(public_key, signature, signed_bytes(header_bytes, digests))


def _require(public_key: bytes, signature: bytes, message: bytes) -> None:
    if not _fastest()(public_key, signature, message):
        raise _bad_signature()


def _bad_signature() -> NotAuthentic:
    return s.not_authentic("The signature does not belong to this event and this sender.", "bad-signature")

"""What is sealed under a subject's key, and how that key is wrapped. Pure: randomness is an argument."""

from __future__ import annotations

import hmac
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import NotAuthentic
from contracts.ids import Random

_NONCE: Final = 12
_CLASSES: Final = (256, 1024, 2048, 4096, 8192, 16384)


def wrap_subject_key(kek: AESGCM, epoch: int, subject_id: UUID, key: bytes, random: Random) -> bytes:
    """A subject's key under the key-encryption key of ``epoch``, bound to both."""
    return _sealed(kek, key, _kek_context(epoch, subject_id), random)


def unwrap_subject_key(kek: AESGCM, epoch: int, subject_id: UUID, wrapped: bytes) -> bytes:
    """Raises NotAuthentic: ``key-broken``."""
    return _opened(kek, wrapped, _kek_context(epoch, subject_id))


def _kek_context(epoch: int, subject_id: UUID) -> bytes:
    return b"sampan/subject-key/1" + epoch.to_bytes(4, "big") + subject_id.bytes


def derived(subject_key: bytes, use: bytes) -> bytes:
    """A key for one use (RFC 5869 expand, one block); it gives back neither the subject's nor another's."""
    return hmac.digest(subject_key, b"sampan/use/1/" + use + b"\1", "sha256")


def facts_key(subject_key: bytes) -> bytes:
    """Seals router state, receipts and dispatch bodies. Opens no group."""
    return derived(subject_key, b"facts")


def bundle_key(subject_key: bytes) -> bytes:
    """Wraps the keys of slots."""
    return derived(subject_key, b"bundle")


def seal_facts(key: bytes, content: bytes, aad: bytes, random: Random) -> bytes:
    """Seal ``content`` under a facts key, padded to a size class (above 16 KiB: to multiples of it).

    Args:
        aad: what this is and of whom, lest it be put in another's place: ``b"state" + subject.bytes``.
    """
    needed = len(content) + 4
    last = _CLASSES[-1]
    size = next((known for known in _CLASSES if needed <= known), -(-needed // last) * last)
    padded = (len(content).to_bytes(4, "big") + content).ljust(size, b"\0")
    return _sealed(AESGCM(key), padded, b"sampan/facts/1/" + aad, random)


def open_facts(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Raises NotAuthentic: ``key-broken``; altered, of another subject or another place."""
    padded = _opened(AESGCM(key), sealed, b"sampan/facts/1/" + aad)
    return padded[4 : 4 + int.from_bytes(padded[:4], "big")]


def _sealed(cipher: AESGCM, content: bytes, aad: bytes, random: Random) -> bytes:
    nonce = random(_NONCE)
    return nonce + cipher.encrypt(nonce, content, aad)


def _opened(cipher: AESGCM, sealed: bytes, aad: bytes) -> bytes:
    try:
        return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], aad)
    except (InvalidTag, ValueError):
        raise NotAuthentic(
            "A stored part does not open under its key.", code="key-broken",
            remedy="The database was altered, or the keyring is another one's; tell the operator.",
        ) from None

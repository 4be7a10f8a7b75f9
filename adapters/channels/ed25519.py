"""Keys of signed webhooks, in the spelling of Standard Webhooks: ``whsk_`` secret, ``whpk_`` public."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from adapters.webhook.outbound import Sign, Verify
from contracts.errors import InvalidInput


def _bytes_of(text: str, prefix: str) -> bytes:
    try:
        raw = base64.b64decode(text.removeprefix(prefix), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(prefix) or len(raw) not in ((32, 64) if prefix == "whsk_" else (32,)):
        raise InvalidInput(
            "this is not a webhook key",
            code="bad-webhook-key",
            remedy=f"It starts with {prefix} and holds 32 bytes in base64.",
        )
    return raw[:32]


def signer(secret: str) -> Sign:
    """A signing function from ``whsk_…`` (32-byte seed, or seed and public key).

    Raises:
        InvalidInput: not such a key; the key is not repeated.
    """
    return Ed25519PrivateKey.from_private_bytes(_bytes_of(secret, "whsk_")).sign


def verifier(public: str) -> Verify:
    """A verifying function from ``whpk_…``.

    Raises:
        InvalidInput: not such a key.
    """
    key = Ed25519PublicKey.from_public_bytes(_bytes_of(public, "whpk_"))

    def holds(signature: bytes, message: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return holds


def secret_of(seed: bytes) -> str:
    """``whsk_…`` from a 32-byte seed."""
    return "whsk_" + base64.b64encode(seed).decode()


def public_of(seed: bytes) -> str:
    """``whpk_…`` that belongs to a 32-byte seed."""
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return "whpk_" + base64.b64encode(key.public_bytes_raw()).decode()

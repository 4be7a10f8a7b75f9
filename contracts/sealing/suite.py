"""The constants of seal suite 1, in one place: changing any of them is a new suite, never an edit.

Suite 1: AES-256-GCM per slot with a committing derivation (HMAC-SHA512), ed25519 (RFC 8032) signatures, group
keys by HPKE (RFC 9180) with ML-KEM-768 + X25519, HKDF-SHA256, AES-256-GCM.
"""

from __future__ import annotations

from typing import Final

from contracts.errors import InvalidInput, NotAuthentic
from contracts.groups import ITEMS
from contracts.roles import Group

SUITE: Final = 1
SUITE_NAME: Final = "sampan-1"
"""As an instance announces it to edges."""

CONTROL: Final = "control"
GROUP_LABELS: Final = tuple(str(group) for group in Group if group is not Group.F0)
ITEM_LABELS: Final = tuple(f"item:{item}" for item in ITEMS)
LABELS: Final = (CONTROL, *GROUP_LABELS, *ITEM_LABELS)
"""What a slot may hold. The place in this tuple is a wire code: append only."""

SIZE_CLASSES: Final = (256, 1024, 4096, 16384)
"""Bytes of a padded plaintext."""
CONTROL_SIZE: Final = 4096
"""The control slot is padded to this at least, so that what it says does not show in its size."""
SLOT_COUNTS: Final = (8, 16, 32)

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
COMMITMENT_BYTES: Final = 32
DIGEST_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
FINGERPRINT_BYTES: Final = 8

MAX_CASE_REF: Final = 64
MAX_KEY_ID: Final = 64
MAX_MANIFEST: Final = 8192
MAX_EVENT: Final = 1024 + SLOT_COUNTS[-1] * (SIZE_CLASSES[-1] + 128)
MAX_SUBMISSION: Final = MAX_EVENT + MAX_MANIFEST + 256


def malformed(what: str, code: str = "malformed-seal") -> InvalidInput:
    """Bytes that are no sealed event of ours; ``what`` names the part, never its content."""
    return InvalidInput(
        f"The sealed event cannot be read: {what}.", code=code, field="event",
        remedy="Seal it again with a current sampan client and send the new bytes.",
    )


def unknown_suite() -> InvalidInput:
    """A seal made by rules that this version does not know."""
    return InvalidInput(
        "The event is sealed by rules newer than this version of Sampan.", code="unknown-suite",
        field="suite", remedy="Update this side, or let the sender use a client of this version.",
    )


def not_authentic(what: str, code: str) -> NotAuthentic:
    """A seal or signature that does not hold; never says which byte."""
    return NotAuthentic(
        what, code=code, field="event",
        remedy="Send the original bytes again; if that fails too, seal the event anew and report it.",
    )

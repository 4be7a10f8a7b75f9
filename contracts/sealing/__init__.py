"""The sealed envelope: pure functions from parts to bytes and back; randomness is an argument.

Sender: :func:`seal_submission`. Intake: :func:`decode_submission`, :func:`decode_event`, :func:`verify`, then
the vault. Recipient: :func:`verify_part`. Errors are all ``SampanError``.
"""

from contracts.sealing.event import Header, SealedEvent, SealedSlot, decode_event, decode_header, encode_event
from contracts.sealing.framing import frame, unframe
from contracts.sealing.macs import content_mac, document_mac
from contracts.sealing.manifest import VAULT_SEED_BYTES, VaultPrivateKey, VaultPublicKey
from contracts.sealing.signatures import SigningKey, sign, verify, verify_part
from contracts.sealing.slots import PlainSlot, SlotKey, check_slot, event_context, open_slot, slot_digest
from contracts.sealing.submission import (
    SealedSubmission,
    decode_submission,
    encode_submission,
    open_manifest,
    seal_event,
    seal_submission,
)
from contracts.sealing.suite import CONTROL, GROUP_LABELS, ITEM_LABELS, LABELS, SUITE, SUITE_NAME

__all__ = [
    "CONTROL",
    "GROUP_LABELS",
    "ITEM_LABELS",
    "LABELS",
    "SUITE",
    "SUITE_NAME",
    "VAULT_SEED_BYTES",
    "Header",
    "PlainSlot",
    "SealedEvent",
    "SealedSlot",
    "SealedSubmission",
    "SigningKey",
    "SlotKey",
    "VaultPrivateKey",
    "VaultPublicKey",
    "check_slot",
    "content_mac",
    "decode_event",
    "decode_header",
    "decode_submission",
    "document_mac",
    "encode_event",
    "encode_submission",
    "event_context",
    "frame",
    "open_manifest",
    "open_slot",
    "seal_event",
    "seal_submission",
    "sign",
    "slot_digest",
    "unframe",
    "verify",
    "verify_part",
]

"""``SealedSubmission``: what a sender hands in. The sealed event, and beside it the keys for the vault.

Schema: ``contracts/schemas/sealed_submission.v1.avsc``. The spool, a retry and a replay carry the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from contracts.errors import InvalidInput
from contracts.ids import Random
from contracts.sealing import suite as s
from contracts.sealing.event import Header, SealedEvent, SealedSlot, encode_event, encode_header
from contracts.sealing.manifest import (
    VaultPrivateKey,
    VaultPublicKey,
    decode_manifest,
    encode_manifest,
    manifest_info,
)
from contracts.sealing.signatures import SigningKey, sign
from contracts.sealing.slots import PlainSlot, SlotKey, decoy, event_context, seal_slot
from contracts.sealing.wire import Reader, write_bytes, write_long, write_string


class SealedSubmission(msgspec.Struct, frozen=True):
    """``event`` holds the Avro bytes of the sealed event; they alone enter the log."""

    vault_key_id: str
    sealed_manifest: bytes
    event: bytes
    suite: int = s.SUITE


def seal_event(
    header: Header, parts: Sequence[PlainSlot], key: SigningKey, random: Random
) -> tuple[SealedEvent, tuple[SlotKey, ...]]:
    """Seal and sign. Exactly one part has the label ``control``; a label stands once per subject.

    Decoys fill the count up to 8, 16 or 32 and repeat the sizes (up to 1 KiB) of the real parts, so the shape
    of an event depends on nothing but the number and size classes of its parts.

    Raises:
        InvalidInput: ``too-large`` (a part over 16 KiB), ``too-many-parts`` (over 32).
    """
    _check_header(header)
    count = _padded_count(len(parts))
    context = event_context(header)
    sealed = [seal_slot(context, part, random) for part in parts]
    slots = [slot for slot, _ in sealed]
    slots += _decoys(slots, count - len(slots), random)
    slots.sort(key=lambda slot: slot.raw_id)
    header_bytes = encode_header(header)
    event = SealedEvent(header, header_bytes, tuple(slots), sign(header_bytes, slots, key))
    return event, tuple(slot_key for _, slot_key in sealed)


def seal_submission(
    header: Header, parts: Sequence[PlainSlot], key: SigningKey, vault: VaultPublicKey, random: Random
) -> bytes:
    """Seal, sign, and seal the keys to the vault: the bytes that a sender keeps and sends.

    Raises:
        InvalidInput: see :func:`seal_event`.
    """
    event, keys = seal_event(header, parts, key, random)
    event_bytes = encode_event(event)
    manifest = encode_manifest(keys, len(event.slots))
    sealed = vault.seal(manifest, manifest_info(header, event_bytes))
    return encode_submission(SealedSubmission(vault.key_id, sealed, event_bytes))


def open_manifest(
    submission: SealedSubmission, event: SealedEvent, key: VaultPrivateKey
) -> tuple[SlotKey, ...]:
    """The keys of the event's slots. ``event`` is the decoded ``submission.event``, its signature verified.

    Raises:
        NotAuthentic: ``manifest-broken``; the keys were sealed for another event, instance or vault key.
        InvalidInput: ``malformed-seal``; a key for a slot that the event does not carry.
    """
    info = manifest_info(event.header, submission.event)
    keys = decode_manifest(key.open(submission.sealed_manifest, info))
    carried = {slot.raw_id for slot in event.slots}
    if any(slot_key.slot_id.bytes not in carried for slot_key in keys):
        raise s.malformed("a key belongs to no part of it")
    return keys


def encode_submission(submission: SealedSubmission) -> bytes:
    """Avro bytes, without framing."""
    return b"".join(
        (
            write_long(submission.suite),
            write_string(submission.vault_key_id),
            write_bytes(submission.sealed_manifest),
            write_bytes(submission.event),
        )
    )


def decode_submission(data: bytes) -> SealedSubmission:
    """Read a submission's outer part; :func:`~contracts.sealing.event.decode_event` reads its event.

    Raises:
        InvalidInput: ``malformed-seal``, ``unknown-suite``, ``too-large``.
    """
    if len(data) > s.MAX_SUBMISSION:
        raise s.malformed("it is larger than any submission", "too-large")
    reader = Reader(data)
    suite = reader.long()
    if suite != s.SUITE:
        raise s.unknown_suite() if suite > s.SUITE else s.malformed("its suite is unknown")
    key_id = reader.string(s.MAX_KEY_ID)
    manifest = reader.bytes(s.MAX_MANIFEST)
    event = reader.bytes(s.MAX_EVENT)
    reader.end()
    return SealedSubmission(key_id, manifest, event, suite)


def _check_header(header: Header) -> None:
    for field, text, limit in (
        ("case", header.case_ref, s.MAX_CASE_REF),
        ("signing_key_id", header.signing_key_id, s.MAX_KEY_ID),
    ):
        if len(text.encode()) > limit:
            raise InvalidInput(
                f"longer than {limit} bytes", code="too-large", field=field, remedy="Shorten it."
            )


def _padded_count(parts: int) -> int:
    for count in s.SLOT_COUNTS:
        if parts <= count:
            return count
    raise InvalidInput(
        "One event carries at most 31 groups for all its people together.", code="too-many-parts",
        field="subjects", remedy="Send the people of this case in two or more events.",
    )


def _decoys(real: Sequence[SealedSlot], wanted: int, random: Random) -> list[SealedSlot]:
    small = sorted(
        size for slot in real if (size := len(slot.ciphertext) - s.TAG_BYTES) in s.SIZE_CLASSES[:2]
    ) or [s.SIZE_CLASSES[0]]
    return [decoy(small[place % len(small)], random) for place in range(wanted)]

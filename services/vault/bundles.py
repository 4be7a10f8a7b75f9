"""Key bundles: of one event, the slot keys that concern one subject, each with the digest of the signed slot.

The digest pins the slot that the sender signed and intake verified; opening compares it, so no signature is
checked again. An event about several people has one control slot for all: its key is split into as many
random shares (XOR), one in each bundle, so that erasing one person silences what the event said of her.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from contracts.errors import InvalidInput
from contracts.ids import Random, uuid_of
from contracts.sealing import CONTROL, LABELS, SealedEvent, SlotKey, slot_digest
from contracts.sealing.wire import Reader, write_long
from services.vault.subject_keys import bundle_key, open_facts, seal_facts

_AT_LEAST: Final = 1024 - 4


class PinnedKey(msgspec.Struct, frozen=True):
    """A slot's key (for the control slot of several people: a share of it) and the digest it belongs to."""

    key: SlotKey
    digest: bytes


def check_parts(keys: Sequence[SlotKey], subjects: Collection[UUID | None]) -> None:
    """Every part belongs to a person of the event. ``subjects``: the sender's references.

    Raises:
        InvalidInput: ``part-of-nobody``; a slot names a person whom the event does not name.
    """
    if any(key.label != CONTROL and key.subject_ref not in subjects for key in keys):
        raise InvalidInput(
            "A sealed part belongs to a person whom the event does not name.", code="part-of-nobody",
            field="subjects", remedy="Seal the document anew with a current client.",
        )  # fmt: skip


def bundles_of(
    event: SealedEvent, keys: Sequence[SlotKey], subjects: Mapping[UUID | None, UUID], random: Random,
    together: UUID | None = None,
) -> dict[UUID, tuple[PinnedKey, ...]]:  # fmt: skip
    """Sort an event's slot keys by subject.

    Args:
        subjects: the sender's reference → subject id, for every person of the event.
        together: marks the shares of the control key as belonging together (:func:`mark_of`), where an event may
            have been admitted before with other persons.

    Raises:
        InvalidInput: as :func:`check_parts`.
    """
    check_parts(keys, subjects)
    digests = {slot.raw_id: slot_digest(slot) for slot in event.slots}
    found: dict[UUID, list[PinnedKey]] = {subject_id: [] for subject_id in subjects.values()}
    for key in keys:
        digest = digests[key.slot_id.bytes]
        if key.label == CONTROL:
            for subject_id, share in zip(found, _shares(key.key, len(found), random), strict=True):
                marked = msgspec.structs.replace(key, key=share, subject_ref=together)
                found[subject_id].append(PinnedKey(marked, digest))
        else:
            found[subjects[key.subject_ref]].append(PinnedKey(key, digest))
    return {subject_id: tuple(pinned) for subject_id, pinned in found.items()}


def mark_of(subject_ids: Collection[UUID]) -> UUID:
    """One mark for each set of persons."""
    return uuid_of(hashlib.sha256(b"".join(sorted(s.bytes for s in set(subject_ids)))).digest()[:16])


def joined_control(bundles: Mapping[UUID, Sequence[PinnedKey]]) -> PinnedKey | None:
    """The control slot's key from the bundles of all subjects of the event; None where one has none."""
    shares = [_share(bundle, bundles) for bundle in bundles.values()]
    whole = 0
    for share in shares:
        if share is None:
            return None
        whole ^= int.from_bytes(share.key.key, "big")
    first = shares[0] if shares else None
    if first is None:
        return None
    key = msgspec.structs.replace(first.key, key=whole.to_bytes(32, "big"), subject_ref=None)
    return PinnedKey(key, first.digest)


def _share(bundle: Sequence[PinnedKey], subjects: Collection[UUID]) -> PinnedKey | None:
    """Her share among these persons: the one so marked, else the one without a mark."""
    shares = [pin for pin in bundle if pin.key.label == CONTROL]
    if all(pin.key.subject_ref is None for pin in shares):
        return shares[0] if shares else None
    by_mark = {pin.key.subject_ref: pin for pin in shares}
    return by_mark.get(mark_of(subjects)) or by_mark.get(None)


def _shares(key: bytes, count: int, random: Random) -> list[bytes]:
    shares = [random(len(key)) for _ in range(count - 1)]
    last = int.from_bytes(key, "big")
    for share in shares:
        last ^= int.from_bytes(share, "big")
    return [*shares, last.to_bytes(len(key), "big")]


def wrap_bundle(
    subject_key: bytes, subject_id: UUID, event_id: UUID, bundle: Sequence[PinnedKey], random: Random
) -> bytes:
    """Padded to 1 KiB (8 keys and more fit), above that to 4 KiB."""
    parts = [write_long(len(bundle))]
    for pin in bundle:
        ref = pin.key.subject_ref
        parts += (
            pin.key.slot_id.bytes,
            bytes([LABELS.index(pin.key.label)]),
            b"\1" + ref.bytes if ref else b"\0",
            pin.key.fingerprint,
            pin.key.key,
            pin.digest,
        )
    content = b"".join(parts).ljust(_AT_LEAST, b"\0")
    return seal_facts(bundle_key(subject_key), content, _context(subject_id, event_id), random)


def unwrap_bundle(
    subject_key: bytes, subject_id: UUID, event_id: UUID, wrapped: bytes
) -> tuple[PinnedKey, ...]:
    """Raises NotAuthentic: ``key-broken``."""
    data = open_facts(bundle_key(subject_key), wrapped, _context(subject_id, event_id))
    reader = Reader(data)
    count, position = reader.long(), reader.position
    refs: dict[bytes, UUID] = {}
    pins = []
    for _ in range(count):  # by slices: this runs for every record routed and every group opened
        slot_id = uuid_of(data[position : position + 16])
        label, named = data[position + 16], data[position + 17]
        position += 18
        ref = None
        if named:
            raw = data[position : position + 16]
            ref = refs.get(raw) or refs.setdefault(raw, uuid_of(raw))
            position += 16
        fingerprint, key = data[position : position + 8], data[position + 8 : position + 40]
        slot_key = SlotKey(slot_id, LABELS[label], ref, fingerprint, key)
        pins.append(PinnedKey(slot_key, data[position + 40 : position + 72]))
        position += 72
    return tuple(pins)


def _context(subject_id: UUID, event_id: UUID) -> bytes:
    return b"bundle" + subject_id.bytes + event_id.bytes

"""``SealedEvent``: the one record that travels. Header, slots, signature; no fact of a case in clear.

Schema: ``contracts/schemas/sealed_event.v1.avsc``. The suite stands first, so that a reader of today can tell
a seal of tomorrow from garbage.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

import msgspec

from contracts.ids import uuid_of
from contracts.sealing import suite as s
from contracts.sealing.wire import Reader, write_bytes, write_long, write_string

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_YEAR_9999: Final = 253_402_300_800_000_000
_CIPHERTEXT_SIZES: Final = frozenset(size + s.TAG_BYTES for size in s.SIZE_CLASSES)
_BY_LENGTH: Final = {write_long(size): size for size in _CIPHERTEXT_SIZES}
"""The sizes a part may have, by the only way in which each is written. None begins as another does."""
_HEAD_BYTES: Final = 16 + s.NONCE_BYTES + s.COMMITMENT_BYTES


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a sealed event says in clear. ``case_ref``: as the sender knows the case; empty opens one."""

    instance: UUID
    event_id: UUID
    submission_id: UUID
    sender: UUID  # agency id
    case_ref: str = ""
    occurred_at: datetime
    signing_key_id: str
    assisted: bool = False
    suite: int = s.SUITE


class SealedSlot(msgspec.Struct, frozen=True):
    """One sealed part, or a decoy: nothing here tells which."""

    raw_id: bytes
    nonce: bytes
    commitment: bytes
    ciphertext: bytes

    @property
    def slot_id(self) -> UUID:
        """Random; slots stand in its order."""
        return uuid_of(self.raw_id)


class SealedEvent(msgspec.Struct, frozen=True):
    """A sealed event as read or made. ``header_bytes`` are the signed bytes of ``header``."""

    header: Header
    header_bytes: bytes
    slots: tuple[SealedSlot, ...]
    signature: bytes

    def slot(self, slot_id: UUID) -> SealedSlot | None:
        """The slot of that id, if the event carries one."""
        raw = slot_id.bytes
        return next((slot for slot in self.slots if slot.raw_id == raw), None)


def encode_header(header: Header) -> bytes:
    """The header's part of the Avro record; these bytes are what the signature covers."""
    return b"".join(
        (
            write_long(header.suite),
            header.instance.bytes,
            header.event_id.bytes,
            header.submission_id.bytes,
            header.sender.bytes,
            write_string(header.case_ref),
            write_long((header.occurred_at - _EPOCH) // _MICROSECOND),
            write_string(header.signing_key_id),
            b"\1" if header.assisted else b"\0",
        )
    )


def encode_event(event: SealedEvent) -> bytes:
    """Avro bytes of a sealed event, without framing."""
    parts = [event.header_bytes, write_long(len(event.slots))]
    for slot in event.slots:
        parts += (slot.raw_id, slot.nonce, slot.commitment, write_bytes(slot.ciphertext))
    parts += (b"\0", event.signature)
    return b"".join(parts)


def decode_event(data: bytes) -> SealedEvent:
    """Read a sealed event; checks shape and bounds, not the signature.

    Raises:
        InvalidInput: ``malformed-seal``, ``unknown-suite`` (made by a later version), ``too-large``.
    """
    if len(data) > s.MAX_EVENT:
        raise s.malformed("it is larger than any sealed event", "too-large")
    reader = Reader(data)
    header = _read_header(reader)
    header_bytes = data[: reader.position]
    count = reader.count(s.SLOT_COUNTS[-1])
    if count not in s.SLOT_COUNTS:
        raise s.malformed("it has a wrong number of parts")
    slots = tuple(_read_slot(reader) for _ in range(count))
    if any(one.raw_id >= next_.raw_id for one, next_ in pairwise(slots)):
        raise s.malformed("its parts are not in order")
    reader.end_of_array()
    signature = reader.fixed(s.SIGNATURE_BYTES)
    reader.end()
    return SealedEvent(header, header_bytes, slots, signature)


def decode_header(header_bytes: bytes) -> Header:
    """Read a header that travels alone, as a recipient gets it with its own slots."""
    reader = Reader(header_bytes)
    header = _read_header(reader)
    reader.end()
    return header


def _read_header(reader: Reader) -> Header:
    suite = reader.long()
    if suite != s.SUITE:
        raise s.unknown_suite() if suite > s.SUITE else s.malformed("its suite is unknown")
    ids = reader.fixed(64)
    case_ref = reader.string(s.MAX_CASE_REF)
    micros = reader.long()
    if not -_YEAR_9999 < micros < _YEAR_9999:
        raise s.malformed("its time is out of range")
    return Header(
        suite=suite,
        instance=uuid_of(ids[:16]),
        event_id=uuid_of(ids[16:32]),
        submission_id=uuid_of(ids[32:48]),
        sender=uuid_of(ids[48:]),
        case_ref=case_ref,
        occurred_at=_moment(micros),
        signing_key_id=reader.string(s.MAX_KEY_ID),
        assisted=reader.boolean(),
    )


def _moment(micros: int) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise s.malformed("its time is out of range") from None


def _read_slot(reader: Reader) -> SealedSlot:
    data, start = reader.data, reader.position
    length = start + _HEAD_BYTES
    for body in (length + 2, length + 3):
        end = body + _BY_LENGTH.get(data[length:body], len(data))
        if end <= len(data):
            reader.position = end
            return SealedSlot(data[start : start + 16], data[start + 16 : start + 28], data[start + 28 : length],
                              data[body:end])  # fmt: skip
    return _read_odd_slot(reader)


def _read_odd_slot(reader: Reader) -> SealedSlot:
    """Step by step, to say what is wrong with it."""
    head = reader.fixed(_HEAD_BYTES)
    ciphertext = reader.bytes(s.SIZE_CLASSES[-1] + s.TAG_BYTES)
    if len(ciphertext) not in _CIPHERTEXT_SIZES:
        raise s.malformed("a part has a size that no part has")
    return SealedSlot(head[:16], head[16:28], head[28:], ciphertext)

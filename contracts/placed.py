"""Where intake placed an event: its case, its subjects, in true ids. Travels as a header beside the sealed event.

Ids alone: neither what happened nor to whom it was told.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from contracts.errors import InvalidInput

HEADER: Final = "sampan-placed"


class PlacedSubject(msgspec.Struct, frozen=True, kw_only=True):
    """One person of the event. ``ref`` is the reference under which the sender sealed (None: the only one)."""

    subject_id: UUID
    case_id: UUID
    ref: UUID | None = None
    parent_id: UUID | None = None
    child_ids: tuple[UUID, ...] = ()


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The event's place. ``answered_id`` is the true id of the dispatch that an answer answers."""

    case_id: UUID
    log_key: UUID
    owner: UUID
    sender: UUID
    subjects: tuple[PlacedSubject, ...]
    answered_id: UUID | None = None


def encode_placed(placed: Placed) -> bytes:
    """As JSON, for foreign readers' sake."""
    return msgspec.json.encode(placed)


def decode_placed(data: bytes) -> Placed:
    """Read the header.

    Raises:
        InvalidInput: ``bad-placed``.
    """
    try:
        return msgspec.json.decode(data, type=Placed)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise InvalidInput("the placing header cannot be read", code="bad-placed", field=HEADER) from None

"""Where intake placed an event: its case, its subjects, in true ids. Travels as a header beside the sealed event.

Ids alone: neither what happened nor to whom it was told.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from contracts.control import ControlPayload
from contracts.errors import InvalidInput
from contracts.facts import Facts

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


PASSED_ON: Final = ("notify_origin", "consular", "asylum", "frozen", "state_of_origin_risk")
"""Facts of a mother that hold for her baby's case too, when she states them after its birth."""


def stated_facts(control: ControlPayload, placed: Placed) -> dict[UUID, Facts]:
    """What an event states about each of its persons.

    A baby that an event of its mother takes along (it narrows, and her objections are the baby's) is told
    what she said of the origin state, the consulate, asylum and danger, and nothing else.
    """
    by_ref = {entry.subject_ref: entry.facts for entry in control.subjects}
    by_subject = {subject.subject_id: by_ref.get(subject.ref, Facts()) for subject in placed.subjects}
    found: dict[UUID, Facts] = {}
    for subject in placed.subjects:
        if subject.ref in by_ref or subject.parent_id is None:
            found[subject.subject_id] = by_subject[subject.subject_id]
        else:
            mother = by_subject.get(subject.parent_id, Facts())
            found[subject.subject_id] = Facts(**{name: getattr(mother, name) for name in PASSED_ON})
    return found


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

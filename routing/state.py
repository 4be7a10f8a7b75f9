"""What the engine remembers of one subject between records: opaque bytes to everyone else."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.case_record import AnswerTo, CaseRecord, ReviewAnswer
from contracts.decision import RuleRef, SlotRef

Json = dict[str, Any]


class ConsentText(msgspec.Struct, frozen=True):
    """A consent as given, in plain values."""

    purposes: tuple[str, ...]
    to: tuple[str, ...]
    groups: tuple[str, ...]
    until: str
    source: str
    assent: bool | None


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A case record in plain values: what the engine works on, keeps for held events and puts in receipts."""

    event_id: UUID
    event: str
    case_id: UUID
    subject: UUID
    child_of: UUID | None
    subjects: tuple[UUID, ...]
    emitter: str | None
    emitter_address: str | None
    owner: str
    occurred_at: datetime
    recorded_at: datetime
    to: tuple[str, ...] = ()
    purpose: str | None = None
    priority: str | None = None
    facts: Json = {}
    consent: ConsentText | None = None
    answer: AnswerTo | None = None
    review: ReviewAnswer | None = None
    slots: dict[str, SlotRef] = {}
    items: dict[str, SlotRef] = {}
    timer_id: UUID | None = None
    dispatch_id: UUID | None = None


class ConsentHeld(msgspec.Struct):
    """A consent receipt of the subject, as it stands now."""

    event_id: UUID
    until: datetime
    purposes: list[str]
    to: list[str]
    groups: list[str]
    also_to: list[list[str]] = []  # each later narrowing: the recipient must be covered by it too
    except_to: list[tuple[list[str], list[str]]] = []  # (purposes, addresses) withdrawn
    fresh: bool = False  # given after the risk was looked at for this case
    for_child: bool = False  # a guardian's, with the child's assent


class Made(msgspec.Struct):
    """A dispatch made, with what narrowing and answers need of it."""

    dispatch_id: UUID
    event_id: UUID
    event: str
    recipient: str
    address: str
    relation: str | None
    purpose: str
    basis: str
    groups: list[str]
    items: list[str]
    consents: list[UUID]
    sender: str | None
    sender_address: str | None
    priority: str
    row: str
    status: str = "sent"  # acknowledged, accepted, accepted_reported, declined, redirected, completed
    recalled: bool = False


class HeldRoute(msgspec.Struct):
    """A route that waits, with the record that made it."""

    record: Recorded
    recipient: str
    address: str
    relation: str | None
    purpose: str
    basis: str | None
    priority: str | None
    rules: list[RuleRef]
    named: int
    order: int
    asks: list[str]
    cleared: list[str] = []


class HeldEvent(msgspec.Struct):
    """A request, proposal or consent that waits; it folds on release, behind what was said meanwhile."""

    record: Recorded
    asks: list[str]
    rules: list[RuleRef]
    cleared: list[str] = []
    fresh: bool = False  # as a consent in it would have been on the day it was given
    later: list[Recorded] = []  # withdrawals and narrowings since, for a consent in it
    overtaken: list[str] = []  # facts, groups and items that later records stated


class WarnAt(msgspec.Struct):
    """One warning before a deadline."""

    at: datetime
    who: str
    address: str
    done: bool = False


class Deadline(msgspec.Struct):
    """An open deadline."""

    deadline_id: UUID
    key: str
    event_id: UUID
    awaits: list[str]
    answer: str | None
    dispatch_id: UUID | None
    owner: str | None
    owner_address: str | None
    due_at: datetime
    within: str
    warns: list[WarnAt]
    every: str | None
    effect: str
    rules: list[RuleRef]
    tell: list[tuple[str, str]]
    sender: str | None
    priority: str
    review_after: int = 0
    review_asks: list[str] = []
    missed: bool = False


class OpenReview(msgspec.Struct):
    """A question that waits for a person."""

    review_id: UUID
    event_id: UUID
    event: str
    desk: str
    desk_address: str
    asks: list[str]
    rules: list[RuleRef]
    second: bool = False


class SubjectState(msgspec.Struct):
    """The fold of one subject's records."""

    subject: UUID
    child_of: UUID | None = None
    owner: str = ""
    owner_address: str = ""
    facts: Json = {}
    consents: list[ConsentHeld] = []
    seen: dict[str, UUID] = {}  # event name → newest event id
    requests: dict[str, tuple[str, str]] = {}  # row → newest request's emitter and role
    slots: dict[str, SlotRef] = {}
    items: dict[str, SlotRef] = {}
    slot_from: dict[str, str] = {}  # group → country in which its newest slot was sealed
    routed: list[str] = []  # condition routes already made: rule/effect/recipient
    waiting: dict[str, list[str]] = {}  # condition routes that wait: key → asks, as last reported
    made: list[Made] = []
    held_routes: list[HeldRoute] = []
    held_events: list[HeldEvent] = []
    deadlines: list[Deadline] = []
    deadline_keys: list[str] = []
    follow_ups_missed: int = 0
    reviews: list[OpenReview] = []
    review_keys: list[str] = []
    cleared: dict[str, list[str]] = {}  # condition route key → asks that a review released
    needs_bits: bytes = b""
    needs_set: str = ""
    narrowed_by: str = ""
    unlinked: bool = False
    erased: bool = False

    def dispatched(self, dispatch_id: UUID | None) -> Made | None:
        """What was made under an id."""
        return next((made for made in self.made if made.dispatch_id == dispatch_id), None)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(SubjectState)


def encode_state(state: SubjectState) -> bytes:
    """State as bytes; equal states give equal bytes."""
    return _ENCODER.encode(state)


def decode_state(data: bytes) -> SubjectState:
    """State from bytes."""
    return _DECODER.decode(data)


def facts_of(state: bytes) -> Json:
    """The folded facts, for timelines and scenarios: JSON values as stated."""
    facts = dict(decode_state(state).facts)
    for internal in ("care_ends", "order_ends"):
        facts.pop(internal, None)
    return facts


def recorded(record: CaseRecord) -> Recorded:
    """A record in plain values."""
    consent = record.consent
    return Recorded(
        event_id=record.event_id, event=record.event, case_id=record.case_id, subject=record.subject,
        child_of=record.child_of, subjects=record.case_subjects, emitter=record.emitter,
        emitter_address=record.emitter_address, owner=record.owner, occurred_at=record.occurred_at,
        recorded_at=record.recorded_at, to=record.to, purpose=record.purpose, priority=record.priority,
        facts=record.facts.stated() if record.facts.model_fields_set else {},
        consent=None if consent is None else ConsentText(
            tuple(map(str, consent.purposes)), tuple(consent.to), tuple(map(str, consent.groups)),
            str(consent.until), consent.from_, consent.assent,
        ),
        answer=record.answer, review=record.review, slots=record.slots, items=record.items,
        timer_id=record.timer_id, dispatch_id=record.dispatch_id,
    )  # fmt: skip

"""From a log record to what ``routing.step`` takes: opened, placed, one :class:`CaseRecord` a subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from contracts.case_record import AnswerTo, CaseRecord, ReviewAnswer
from contracts.codec import decode
from contracts.control import ControlPayload
from contracts.decision import SlotRef
from contracts.errors import InvalidInput, TryLater
from contracts.placed import HEADER, Placed, PlacedSubject, decode_placed, stated_facts
from contracts.records import RunningEvent
from contracts.schema_ids import BY_ID, schema_id
from contracts.sealing import SealedEvent, decode_event, unframe
from routing.directory import Directory
from routing.speaking import acting_as
from services.runtime.failures import NotOurs
from services.runtime.log.port import StoredRecord

SEALED_EVENT = schema_id("sealed_event.v1")
RUNNING_EVENT = schema_id("running_event.v1")


class VersionSkew(TryLater):
    """One of our own records in a schema that this version does not know: its key waits for an update."""

    retryable = False
    default_code = "version-skew"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A sealed event and its place."""

    record: StoredRecord
    event: SealedEvent
    placed: Placed


@dataclass(frozen=True, slots=True)
class Running:
    """Something that Sampan itself found."""

    record: StoredRecord
    event: RunningEvent


Entry = Submitted | Running


def read(record: StoredRecord) -> Entry:
    """Take a log record apart; opens nothing.

    Raises:
        NotOurs: bytes that cannot be framed or carry no schema of ours.
        VersionSkew: our framing, a schema id from a later version.
    """
    try:
        schema, payload = unframe(record.value)
        if schema == SEALED_EVENT:
            return Submitted(record, decode_event(payload), decode_placed(record.headers[HEADER]))
        if schema == RUNNING_EVENT:
            return Running(record, decode(RunningEvent, payload))
    except (InvalidInput, KeyError):
        raise NotOurs("not a case event") from None
    if schema in BY_ID or b"sampan" not in record.headers.get("ce_type", b""):
        raise NotOurs("a schema that no case event has")
    raise VersionSkew("a case event of a later version", remedy="Update this Sampan, then release the key.")


def subjects_of(entry: Entry) -> tuple[UUID, ...]:
    """The persons that an entry is about."""
    if isinstance(entry, Running):
        return (entry.event.subject_id,)
    return tuple(subject.subject_id for subject in entry.placed.subjects)


def submitted_records(
    entry: Submitted, control: ControlPayload, slots: Mapping[UUID, Mapping[str, SlotRef]],
    directory: Directory,
) -> list[CaseRecord]:  # fmt: skip
    """One record for each person of a sealed event, mothers before their babies.

    Args:
        slots: person → label → slot, as the vault knows them.
    """
    sender = directory.by_id(entry.placed.sender)
    at = entry.record.appended_at
    address = acting_as(sender, control.acting_as, control.event, at)
    answer = _answer(entry, control, sender.slug)
    everyone = subjects_of(entry)
    facts = stated_facts(control, entry.placed)
    return [
        CaseRecord(
            event_id=entry.event.header.event_id,
            event=control.event,
            case_id=person.case_id,
            case_subjects=everyone,
            subject=person.subject_id,
            child_of=person.parent_id,
            emitter=sender.slug,
            emitter_address=address,
            owner=directory.by_id(entry.placed.owner).slug,
            occurred_at=entry.event.header.occurred_at,
            recorded_at=at,
            to=tuple(control.to),
            purpose=control.purpose,
            priority=control.priority,
            facts=facts[person.subject_id],
            consent=control.consent,
            answer=answer,
            dispatch_id=entry.placed.answered_id,
            slots=_groups(entry, slots, person),
            items=_items(entry, slots, person),
        )
        for person in sorted(entry.placed.subjects, key=lambda person: person.parent_id is not None)
    ]


def _groups(
    entry: Submitted, slots: Mapping[UUID, Mapping[str, SlotRef]], person: PlacedSubject
) -> dict[str, SlotRef]:
    mine = slots.get(person.subject_id, {})
    return {label: _where(entry, slot) for label, slot in mine.items() if label.startswith("F")}


def _items(
    entry: Submitted, slots: Mapping[UUID, Mapping[str, SlotRef]], person: PlacedSubject
) -> dict[str, SlotRef]:
    mine = slots.get(person.subject_id, {})
    return {
        label.removeprefix("item:"): _where(entry, slot)
        for label, slot in mine.items()
        if label.startswith("item:")
    }


def _where(entry: Submitted, slot: SlotRef) -> SlotRef:
    at = entry.record.position
    return SlotRef(slot.event_id, slot.slot_id, at.partition, at.offset)


def _answer(entry: Submitted, control: ControlPayload, sender: str) -> AnswerTo | None:
    if control.answer is None or entry.placed.answered_id is None:
        return None
    reported = control.answer.reported
    return AnswerTo(
        dispatch_id=entry.placed.answered_id,
        code=control.answer.code,
        reported_how=reported.how if reported else None,
        reported_by=sender if reported else None,
    )


def running_record(entry: Running, owner: str, parent: UUID | None, directory: Directory) -> CaseRecord:
    """A record of Sampan's own finding. A review's answer speaks for the agency that gave it."""
    event = entry.event
    emitter = directory.by_id(event.by_agency) if event.by_agency is not None else None
    review = None
    if event.kind == "ReviewResolved":
        review = ReviewAnswer(
            review_id=event.review_id, of_event=event.of_event, action=event.action or "refuse",
            second=event.second, limit=event.limit,
        )  # fmt: skip
    at = entry.record.appended_at
    return CaseRecord(
        event_id=event.event_id,
        event=event.kind,
        case_id=event.case_id,
        case_subjects=(event.subject_id,),
        subject=event.subject_id,
        child_of=parent,
        emitter=emitter.slug if emitter else None,
        emitter_address=str(emitter.addresses(at)[0]) if emitter and emitter.addresses(at) else None,
        owner=owner,
        occurred_at=event.at,
        recorded_at=at,
        review=review,
        timer_id=event.timer_id,
        dispatch_id=event.dispatch_id,
    )

"""Placing: which case and which persons an event is about, from the references under which its sender knows them.

Whoever holds the owner's case code may append to the case; reading needs a grant. What a recipient was given
(its own code, its aliases) counts from that recipient alone: a receipt that differed would tell whoever overheard
it whose case that is. A reference that nobody gave out opens a case (or adds a person): senders mint ids while
they have no connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.control import ControlPayload, ControlSubject
from contracts.errors import InvalidInput, NotFound, SampanError
from contracts.ids import Random, new_id, parse_case_code
from contracts.narrowing import closes_gate
from contracts.placed import Placed, PlacedSubject
from services.intake import store
from services.intake.store import CaseRow, Code, Ref, SubjectRow


@dataclass(frozen=True, slots=True)
class ToPlace:
    """An opened submission before it has a place."""

    sender: UUID
    case_ref: str
    control: ControlPayload


@dataclass(slots=True)
class Known:
    """What is known of the cases of a batch; grows as the batch opens cases and adds persons."""

    refs: dict[UUID, Ref] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    strangers: set[UUID | str] = field(default_factory=set)  # references and codes that nobody is known to have
    cases: dict[UUID, CaseRow] = field(default_factory=dict)
    subjects: dict[UUID, SubjectRow] = field(default_factory=dict)
    new_cases: list[CaseRow] = field(default_factory=list)
    new_subjects: list[SubjectRow] = field(default_factory=list)

    def of_case(self, case_id: UUID) -> list[SubjectRow]:
        """The persons of a case, in order."""
        found = [row for row in self.subjects.values() if row.case_id == case_id]
        return sorted(found, key=lambda row: row.ordinal)

    def hand_over(self, case_id: UUID, owner: UUID) -> None:
        """The case, and the cases of babies born in it, have a new owner, for the rest of the batch too."""
        for case in list(self.cases.values()):
            if case_id in (case.case_id, case.log_key):
                self.cases[case.case_id] = replace(case, owner=owner)

    def children(self, subject_id: UUID) -> tuple[UUID, ...]:
        """The children whose cases follow this person's."""
        return tuple(sorted(row.subject_id for row in self.subjects.values() if row.parent_id == subject_id))


def names_any(one: ToPlace, strangers: set[UUID | str]) -> bool:
    """Whether an event rests on one of these references."""
    case = _as_uuid(one.case_ref) or _readable(one.case_ref)
    return case in strangers or not strangers.isdisjoint(_references(one.control))


async def gather(connection: Any, batch: Iterable[ToPlace]) -> Known:
    """Read, in four statements, all that placing a batch needs."""
    wanted_refs: set[UUID] = set()
    wanted_codes: set[str] = set()
    for one in batch:
        case_id = _as_uuid(one.case_ref)
        if case_id is not None:
            wanted_refs.add(case_id)
        elif one.case_ref and (code := _readable(one.case_ref)) is not None:
            wanted_codes.add(code)
        wanted_refs |= set(_references(one.control))
    known = Known()
    if wanted_codes:
        known.codes = await store.resolve_codes(connection, wanted_codes)
    if wanted_refs:
        known.refs = await store.resolve_refs(connection, wanted_refs)
    ids = wanted_refs | {found.true_id for found in known.refs.values()}
    ids |= {code.case_id for code in known.codes.values()}
    if ids:
        for row in await store.subjects(connection, ids, ids):
            known.subjects[row.subject_id] = row
        case_ids = ids | {row.case_id for row in known.subjects.values()}
        known.cases = await store.cases(connection, case_ids)
    known.strangers = (wanted_refs - {*known.refs, *known.subjects, *known.cases}) | (wanted_codes - {*known.codes})
    return known


def place(
    one: ToPlace, known: Known, random: Random, now: datetime, accept: Callable[[Placed], None]
) -> Placed:
    """Place one event, opening a case or adding persons in ``known`` where the references are new.

    Args:
        accept: raises where the event cannot be taken at this place.

    Raises:
        InvalidInput: it is not clear which person is meant, or a child's mother is not in the event's case.
        NotFound: a case code or dispatch that nobody holds.
    """
    cases_before, subjects_before = len(known.new_cases), len(known.new_subjects)
    try:
        placed = _place(one, known, random, now)
        accept(placed)
        return placed
    except SampanError:  # a refused event leaves no case and no person behind
        for case in known.new_cases[cases_before:]:
            del known.cases[case.case_id]
        for subject in known.new_subjects[subjects_before:]:
            del known.subjects[subject.subject_id]
        del known.new_cases[cases_before:], known.new_subjects[subjects_before:]
        raise


def _place(one: ToPlace, known: Known, random: Random, now: datetime) -> Placed:
    case = _case(one, known, random, now)
    entries = one.control.subjects or [ControlSubject()]  # none named: the only person of the case
    subjects = [_subject(entry, one.sender, case, known, random, now) for entry in entries]
    if len({subject.subject_id for subject in subjects}) != len(subjects):
        # Her gate would count the event once and the router twice.
        raise InvalidInput(
            "one person stands in the event twice", code="person-twice", field="subjects",
            remedy="Name each person once.",
        )  # fmt: skip
    for entry, mother in zip(entries, list(subjects), strict=True):
        if closes_gate(one.control.event, [entry.facts]):
            subjects += _children(mother, subjects, known)
    return Placed(
        case_id=case.case_id,
        log_key=case.log_key,
        owner=case.owner,
        sender=one.sender,
        subjects=tuple(subjects),
        answered_id=_answered(one, known),
    )


def _case(one: ToPlace, known: Known, random: Random, now: datetime) -> CaseRow:
    ref = _as_uuid(one.case_ref)
    if ref is None and one.case_ref:
        code = known.codes.get(parse_case_code(one.case_ref))
        case = known.cases[code.case_id] if code is not None else None
        if code is None or case is None or code.agency_id not in (one.sender, case.owner):
            raise NotFound(
                "no case has this code",
                code="unknown-case",
                field="case",
                remedy="Read the code again from the receipt; codes are per agency.",
            )
        return case
    if ref is not None:
        found = known.refs.get(ref, Ref("c", ref))
        if found.agency_id not in (None, one.sender):
            raise NotFound(
                "no case of yours has this reference", code="unknown-case", field="case",
                remedy="Take it from your own receipt or inbox item; references are per agency.",
            )  # fmt: skip
        if found.kind != "c":
            raise InvalidInput("this reference is not a case", code="not-a-case", field="case")
        if found.true_id in known.cases:
            return known.cases[found.true_id]
    return _open(ref or new_id(random, now), one.sender, known)


def _open(case_id: UUID, owner: UUID, known: Known, log_key: UUID | None = None) -> CaseRow:
    case = CaseRow(case_id, log_key or case_id, owner)
    known.cases[case_id] = case
    known.new_cases.append(case)
    return case


def _subject(
    entry: ControlSubject, sender: UUID, case: CaseRow, known: Known, random: Random, now: datetime
) -> PlacedSubject:
    ref = entry.subject_ref
    row = _only(case, known) if ref is None else _known_subject(ref, sender, known)
    if row is None:
        row = _add(ref or new_id(random, now), entry, sender, case, known, random, now)
    if known.cases[row.case_id].log_key != case.log_key:
        raise InvalidInput(
            "this person belongs to another case",
            code="subject-of-another-case",
            field="subjects",
            remedy="Name the case and the person from the same receipt or inbox item.",
        )
    return PlacedSubject(
        subject_id=row.subject_id,
        case_id=row.case_id,
        ref=ref,
        parent_id=row.parent_id,
        child_ids=known.children(row.subject_id),
    )


def _only(case: CaseRow, known: Known) -> SubjectRow | None:
    persons = known.of_case(case.case_id)
    if len(persons) > 1:
        raise InvalidInput(
            "the case holds several persons and the event names none", code="subject-missing",
            field="subjects[0].subject", remedy="Name the person's reference; `sampan case CODE` lists them.",
        )  # fmt: skip
    return persons[0] if persons else None


def _children(mother: PlacedSubject, named: list[PlacedSubject], known: Known) -> list[PlacedSubject]:
    """Her babies whom the event does not name: her objections are theirs. Each is its own reference."""
    present = {subject.subject_id for subject in named}
    return [
        PlacedSubject(
            subject_id=child, case_id=known.subjects[child].case_id, ref=child, parent_id=mother.subject_id
        )
        for child in mother.child_ids
        if child not in present
    ]


def _known_subject(ref: UUID, sender: UUID, known: Known) -> SubjectRow | None:
    found = known.refs.get(ref, Ref("s", ref))
    if found.agency_id not in (None, sender):
        raise NotFound(
            "no person of yours has this reference", code="unknown-subject", field="subjects",
            remedy="Take it from your own receipt or inbox item; references are per agency.",
        )  # fmt: skip
    if found.kind != "s":
        raise InvalidInput("this reference is not a person", code="not-a-subject", field="subjects")
    return known.subjects.get(found.true_id)


def _add(
    subject_id: UUID,
    entry: ControlSubject,
    sender: UUID,
    case: CaseRow,
    known: Known,
    random: Random,
    now: datetime,
) -> SubjectRow:
    """A new person. A child born in the case gets a case of her own, ordered with her mother's."""
    parent_id: UUID | None = None
    if entry.child_of is not None:
        mother = _known_subject(entry.child_of, sender, known)
        if mother is None or known.cases[mother.case_id].log_key != case.log_key:
            raise InvalidInput(
                "the mother is not known in this case",
                code="unknown-mother",
                field="subjects.child_of",
                remedy="Name the mother as her case's receipt names her, or in the same event, before the child.",
            )
        parent_id = mother.subject_id
        case = _open(new_id(random, now), case.owner, known, case.log_key)
    persons = known.of_case(case.case_id)
    row = SubjectRow(subject_id, case.case_id, len(persons) + 1, parent_id)
    known.subjects[subject_id] = row
    known.new_subjects.append(row)
    return row


def _answered(one: ToPlace, known: Known) -> UUID | None:
    """The dispatch answered: one's own, or, taken back or answered for its recipient, one that this sender told."""
    answer = one.control.answer
    if answer is None:
        return None
    found = known.refs.get(answer.dispatch)
    if found is None or found.kind not in "do" or found.agency_id != one.sender:
        raise NotFound(
            "no dispatch of yours has this reference",
            code="unknown-dispatch",
            field="answer.dispatch",
            remedy="Take it from `sampan inbox`; for an answer by telephone from `sampan case`.",
        )
    if found.kind == "o" and answer.reported is None and one.control.event != "MessageRecalled":
        raise InvalidInput(
            "only its recipient answers a dispatch",
            code="not-the-recipient",
            field="answer.reported",
            remedy="If the answer came by telephone, say how and from whom (--reported-by).",
        )
    return found.true_id


def _references(control: ControlPayload) -> list[UUID]:
    found = [
        ref for entry in control.subjects for ref in (entry.subject_ref, entry.child_of) if ref is not None
    ]
    if control.answer is not None:
        found.append(control.answer.dispatch)
    return found


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _readable(text: str) -> str | None:
    """The case code, or None where it is mistyped: then its own event says so, and no other."""
    try:
        return parse_case_code(text)
    except InvalidInput:
        return None

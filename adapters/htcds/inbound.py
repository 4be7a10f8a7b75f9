"""HTCDS workbook in, open events out: row by row, a bad row never stops a good one.

rows = read(document, lookups)
for row in rows:
    row.state    accepted: row.events are ready for services.edge.prepare, in that order
                 question: row.questions, each with the column that shall hold the answer
                 refused:  row.refusals, each naming row, column and remedy, never a value
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast

from pydantic import ValidationError

from adapters.htcds import answers as answered
from adapters.htcds import cells
from adapters.htcds.answers import Question
from adapters.htcds.identity import Identity, Ids, canonical, identify, keyed_ids
from adapters.htcds.sheet import Header, Sheet, open_sheet
from adapters.htcds.sheet import Row as SheetRow
from contracts.consent import Consent
from contracts.errors import InvalidInput
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.open_event import OpenEvent, SubjectEntry
from contracts.private import REVEAL
from contracts.roles import Group

__all__ = ["Lookups", "Question", "Row", "keyed_ids", "read"]

Progress = Callable[[int, int], None]
"""(rows read, last row of the sheet as far as it says)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """What the workbook does not know and the sender does.

    Attributes:
        sender: the agency's slug.
        acting_as: the role in which it speaks, such as ``NGO-H@TH``; None where it has one role alone.
        now: the moment of sending, with zone; its day there is the limit for dates.
        ids: stable ids, see :func:`keyed_ids`; the same key on every machine of the sender.
    """

    sender: str
    acting_as: str | None = None
    now: datetime
    ids: Ids

    @property
    def today(self) -> date:
        return self.now.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one row. ``number`` is as Excel shows it; ``row_id`` is for the result workbook."""

    number: int
    row_id: str
    events: tuple[OpenEvent, ...] = ()
    questions: tuple[Question, ...] = ()
    refusals: tuple[InvalidInput, ...] = ()

    @property
    def state(self) -> Literal["accepted", "question", "refused"]:
        if self.refusals:
            return "refused"
        return "question" if self.questions else "accepted"


def read(document: bytes, lookups: Lookups, progress: Progress | None = None) -> list[Row]:
    """Read IOM's HTCDS 2.0 workbook, either template.

    Raises:
        InvalidInput: the whole document cannot be taken (size, kind, headers); names column and remedy.
    """
    sheet = open_sheet(document)
    last = max(sheet.workbook[sheet.title].max_row or 0, sheet.header.first_row)
    rows: list[Row] = []
    seen: dict[object, int] = {}
    for number, row in sheet.rows():
        if _is_filled(row, sheet.header):
            rows.append(_read_row(number, row, sheet, lookups, seen))
        if progress is not None:
            progress(number, max(last, number))
    return rows


def _is_filled(row: SheetRow, header: Header) -> bool:
    """Whether anything but the template's own row number and our own reports stands in the row."""
    return any(
        not (at in header.reported or (at in header.nameless and at == 1) or _is_row_id(header, at))
        for at in row
    )


def _is_row_id(header: Header, at: int) -> bool:
    return at in header.asked and header.asked[at].name == "sampan_row_id"


def _read_row(number: int, row: SheetRow, sheet: Sheet, lookups: Lookups, seen: dict[object, int]) -> Row:
    header = sheet.header

    def where(label: str) -> str:
        return f"row {number}, column '{label}'"

    identity = identify(row, header, lookups.ids)
    refusals = _structure_refusals(number, row, sheet)
    row_id = identity.unconfirmed
    if seen.setdefault(identity.row, number) != number:
        row_id = ""  # a twin that kept the id would be asked for ever
        refusals.append(
            cells.wrong(
                f"row {number}",
                f"it is the same as row {seen[identity.row]}",
                "row-twice",
                "Delete it, or, if it is another person, write a word of your own into sampan_row_id.",
            )
        )
    values, questions, cell_refusals = _read_iom(row, header, where, lookups.today)
    answers, answer_refusals = answered.read(row, header, where, lookups.today)
    refusals += cell_refusals + answer_refusals
    unreadable = {a.name for at, a in header.asked.items() if at in row and a.name not in answers}
    ticked = cast("bool | None", values.get("con_Consent"))
    questions += answered.open_questions(answers, ticked, unreadable)
    if identity.person_changed and "sampan_same_person" not in answers:
        questions.append(answered.ask("sampan_same_person"))
    elif row_id and not (refusals or questions):
        row_id = identity.confirmed
    if refusals or questions:
        return Row(number=number, row_id=row_id, questions=tuple(questions), refusals=tuple(refusals))
    try:
        events = _events(identity, values, answers, header, lookups, consented=bool(ticked))
    except ValidationError:
        # Every field was checked on its way here; what is left is a combination, whose text may hold values.
        refusal = cells.wrong(
            f"row {number}", "the row does not fit together", "row-invalid", "Check it cell by cell."
        )
        return Row(number=number, row_id=row_id, refusals=(refusal,))
    return Row(number=number, row_id=row_id, events=events)


def _structure_refusals(number: int, row: SheetRow, sheet: Sheet) -> list[InvalidInput]:
    refusals = []
    if number in sheet.merged_rows:
        refusals.append(
            cells.wrong(
                f"row {number}",
                "cells of this row are merged",
                "cell-merged",
                "Unmerge them, so that each column holds its own value.",
            )
        )
    header = sheet.header
    beyond = [at for at in row if at > header.width or (at in header.nameless and at != 1)]
    if beyond:
        refusals.append(
            cells.wrong(
                f"row {number}",
                "a value stands in a column without a header",
                "column-nameless",
                "Move it under one of the template's headers, or delete it.",
            )
        )
    return refusals


def _read_iom(
    row: SheetRow, header: Header, where: Callable[[str], str], today: date
) -> tuple[dict[str, object], list[Question], list[InvalidInput]]:
    values: dict[str, object] = {}
    questions: list[Question] = []
    refusals: list[InvalidInput] = []
    for at, column in header.iom.items():
        if at not in row:
            continue
        try:
            values[column.name] = cells.read(row[at], column, where(column.label), today)
        except cells.NotStated as unclear:
            questions.append(Question(column.name, column.label, f"{unclear.message}. {unclear.remedy}"))
        except InvalidInput as refusal:
            refusals.append(refusal)
    return values, questions, refusals


def _events(
    identity: Identity,
    values: dict[str, object],
    answers: answered.Answers,
    header: Header,
    lookups: Lookups,
    *,
    consented: bool,
) -> tuple[OpenEvent, ...]:
    subject = lookups.ids("subject", identity.row.bytes)
    groups = _groups(values, answers, header)
    made = _EventMaker(identity, lookups)
    events = []
    if consented:
        entry = SubjectEntry(subject=subject, facts=answered.her_word(answers))
        events.append(made.event("ConsentGiven", entry, consent=answered.consent_of(answers)))
    entry = SubjectEntry(subject=subject, facts=answered.facts_of(answers), groups=dict(groups))
    events.append(made.event(answers["sampan_event"], entry, answers=answers))
    return tuple(events)


def _groups(values: dict[str, object], answers: answered.Answers, header: Header) -> dict[Group, FieldGroup]:
    raw: dict[Group, dict[str, Any]] = {}
    for column in header.iom.values():
        value = values.get(column.name)
        if value is None or column.group is None:
            continue
        fields = raw.setdefault(column.group, {})
        if column.attribute is not None:
            fields[column.attribute] = value
        else:
            written = value.isoformat() if isinstance(value, date) else str(value)
            fields.setdefault("other", {})[column.name] = written
    for group, fields in answered.groups_of(answers).items():
        raw.setdefault(group, {}).update(fields)
    return {group: GROUP_MODELS[group].model_validate(fields) for group, fields in raw.items() if fields}


@dataclass(frozen=True, slots=True)
class _EventMaker:
    """Builds the events of one row; their ids derive from the row's identity and their own content."""

    identity: Identity
    lookups: Lookups

    def event(
        self,
        name: str,
        entry: SubjectEntry,
        consent: Consent | None = None,
        answers: answered.Answers | None = None,
    ) -> OpenEvent:
        ids, said = self.lookups.ids, answers or {}
        draft = OpenEvent(
            event=name,
            event_id=self.identity.row,
            submission_id=self.identity.row,
            occurred_at=self.lookups.now,
            sender=self.lookups.sender,
            acting_as=self.lookups.acting_as,
            case=str(ids("case", self.identity.row.bytes)),
            subjects=[entry],
            to=said.get("sampan_to", []),
            purpose=said.get("sampan_purpose"),
            priority=said.get("sampan_priority"),
            consent=consent,
        )
        content = draft.model_dump(mode="json", context=REVEAL, exclude_none=True, by_alias=True)
        for varying in ("event_id", "submission_id", "occurred_at"):
            content.pop(varying)
        bytes_ = canonical(content)
        return draft.model_copy(
            update={"event_id": ids("event", bytes_), "submission_id": ids("submission", bytes_)}
        )

"""The result workbook: the sender's own sheet, plus columns for the answers, and what became of each row.

Filling in the columns and sending the same file again releases the rows; ``sampan_row_id`` keeps each row the
same case. The file holds what the sender's file held: it belongs where that one is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.workbook import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from adapters.htcds.asked import ASKED, REPORTED
from adapters.htcds.codes import CodeList
from adapters.htcds.columns import Kind
from adapters.htcds.container import check
from adapters.htcds.inbound import Row
from adapters.htcds.sheet import Header, load, open_sheet

_LISTS = "sampan_lists"
_ASKS = PatternFill("solid", fgColor="FFF2CC")
_WRAP = Alignment(wrap_text=True, vertical="top")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an accepted row: a sayable case code, and words such as "sent" or "waits for a line"."""

    status: str
    case_code: str | None = None


def write(document: bytes, rows: Sequence[Row], outcomes: Mapping[int, Outcome] | None = None) -> bytes:
    """The same workbook with Sampan's columns.

    Args:
        document: what :func:`adapters.htcds.inbound.read` read.
        rows: what it returned.
        outcomes: by row number, for rows that were sent or spooled.

    Raises:
        InvalidInput: the document cannot be read; the same errors as reading it.
    """
    header_of = open_sheet(document)
    workbook = load(check(document), read_only=False)
    sheet = cast("Worksheet", workbook[header_of.title])
    places = _add_columns(sheet, header_of.header)
    for row in rows:
        _write_row(sheet, row, places, (outcomes or {}).get(row.number))
    _add_lists(workbook, sheet, header_of.header, places)
    written = io.BytesIO()
    workbook.save(written)
    return written.getvalue()


def _add_columns(sheet: Worksheet, header: Header) -> dict[str, int]:
    """Where each of our columns stands, the missing ones appended behind the last."""
    places = {asked.name: at for at, asked in header.asked.items()}
    places |= {name: at for at, name in header.reported.items()}
    wanted = [*REPORTED.items(), *((asked.name, asked.label) for asked in ASKED)]
    at = header.width
    for name, label in wanted:
        if name in places:
            continue
        at += 1
        places[name] = at
        sheet.cell(header.first_row - 2, at, name)
        title = sheet.cell(header.first_row - 1, at, label)
        title.font, title.fill, title.alignment = Font(bold=True), _ASKS, _WRAP
        sheet.column_dimensions[get_column_letter(at)].width = 60 if name == "sampan_missing" else 26
    return places


def _write_row(sheet: Worksheet, row: Row, places: Mapping[str, int], outcome: Outcome | None) -> None:
    says = [refusal.sentence() for refusal in row.refusals]
    says += [
        _question(row.number, question.label, question.text, question.choices) for question in row.questions
    ]
    sheet.cell(row.number, places["sampan_missing"]).value = "\n".join(says) or None
    receipt = None if outcome is None else " ".join(filter(None, (outcome.case_code, outcome.status)))
    sheet.cell(row.number, places["sampan_receipt"]).value = receipt
    sheet.cell(row.number, places["sampan_row_id"]).value = row.row_id or None
    if row.state == "accepted":
        # One confirmation covers one correction; left standing, it would wave the next one through.
        sheet.cell(row.number, places["sampan_same_person"]).value = None
    for name in ("sampan_missing", "sampan_receipt"):
        sheet.cell(row.number, places[name]).alignment = _WRAP
    for question in row.questions:
        if question.column in places:
            sheet.cell(row.number, places[question.column]).fill = _ASKS


def _question(number: int, label: str, text: str, choices: Sequence[str]) -> str:
    one_of = f" One of: {', '.join(choices)}." if choices else ""
    return f"row {number}, column '{label}': {text}{one_of}"


def _add_lists(workbook: Workbook, sheet: Worksheet, header: Header, places: Mapping[str, int]) -> None:
    """Drop-down lists for our columns, and again for IOM's where the sheet had them.

    Excel keeps IOM's in an extension that openpyxl cannot write back.
    """
    if _LISTS in workbook.sheetnames:
        del workbook[_LISTS]
    lists = workbook.create_sheet(_LISTS)
    lists.sheet_state = "hidden"
    wanted: list[tuple[int, CodeList]] = [
        (places[asked.name], asked.choices) for asked in ASKED if asked.choices and not asked.several
    ]
    if "validation" in workbook.sheetnames:
        wanted += [
            (at, column.known)
            for at, column in header.iom.items()
            if column.known and column.kind in (Kind.CODE, Kind.CODES)
        ]
    ours = {get_column_letter(at) for at, _ in wanted}
    kept = [v for v in sheet.data_validations.dataValidation if not _covers(v, ours)]
    sheet.data_validations.dataValidation = kept
    for column, (at, choices) in enumerate(wanted, start=1):
        for line, label in enumerate(choices.values(), start=1):
            lists.cell(line, column, label)
        letter, target = get_column_letter(column), get_column_letter(at)
        rule = DataValidation(
            type="list", formula1=f"{_LISTS}!${letter}$1:${letter}${len(choices)}", allow_blank=True
        )
        rule.add(f"{target}{header.first_row}:{target}{header.first_row + 999}")
        sheet.add_data_validation(rule)


def _covers(rule: DataValidation, letters: set[str]) -> bool:
    return any(
        part.coord.rstrip("0123456789").split(":")[0].rstrip("0123456789") in letters
        for part in rule.sqref.ranges
    )

"""A lawyer's workbook read back: which rules changed in what. The workbook is a stranger's, whoever sent it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.cell import Cell

from adapters.htcds.container import check as check_container
from contracts.errors import InvalidInput
from routing.rule import Rule
from services.cli.rules.sheet import COLUMNS, DECISION, DECISIONS, DERIVED_FROM_MARK, SHEET, Column, unescaped

ROWS_MAX: Final = 5_000
CHARACTERS_MAX: Final = 5_000
_DAYS: Final = frozenset({"valid_from", "valid_to", "recorded_at", "review_on", "signed_on"})
_MUST_STAND: Final = frozenset({"title", "cite", "mark", "valid_from", "recorded_at"})

Value = str | date | None


@dataclass(frozen=True, slots=True)
class Edit:
    """What a workbook changes in one rule: key → (was, will be); and what counsel decided."""

    rule: Rule
    changed: Mapping[str, tuple[Value, Value]] = field(default_factory=dict)
    decision: str = ""


def read(document: bytes, rules: Sequence[Rule]) -> list[Edit]:
    """Compare a workbook with the rules it was written from. Rules without a row stay as they are.

    Raises:
        InvalidInput: no workbook, a hostile one, a formula, a row of no rule, or a change of what may not be changed
            here; names the cell and the mend.
    """
    rows = _rows(document)
    places = _places(rows[0] if rows else [])
    by_ref = {(rule.id, rule.ref.version): rule for rule in rules}
    seen: set[tuple[str, str]] = set()
    edits = []
    for row in rows[1:]:
        if all(cell.value in (None, "") for cell in row):
            continue
        rule = _rule_of(row, places, by_ref, seen)
        edit = _edit(row, places, rule)
        if edit.changed or edit.decision:
            edits.append(edit)
    return edits


def _rows(document: bytes) -> list[list[Any]]:
    try:
        check_container(document)
    except InvalidInput as refused:
        raise InvalidInput(refused.message, code=refused.code, field="workbook",
                           remedy="Export the table anew, and copy the remarks over as text.") from None  # fmt: skip
    try:
        book = load_workbook(io.BytesIO(document), keep_links=False)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, BadZipFile, SyntaxError):
        raise _refusal("the workbook is damaged", "workbook", "Open it, save it as .xlsx, and try again.") from None
    if SHEET not in book.sheetnames:
        raise _refusal("there is no sheet named rules", "workbook", "Take the workbook that `rules export` wrote.")
    sheet = book[SHEET]
    if sheet.max_row > ROWS_MAX or sheet.max_column > 2 * len(COLUMNS):
        raise _refusal("the sheet has too many rows or columns", SHEET, "Remove what does not come from the export.")
    return [list(row) for row in sheet.iter_rows()]


def _places(head: Sequence[Cell]) -> dict[str, int]:
    """Column title → position; all must be there, in whatever order."""
    found = {str(cell.value).strip(): number for number, cell in enumerate(head) if cell.value}
    missing = [column.title for column in COLUMNS if column.title not in found]
    if missing:
        raise _refusal(f"the column {missing[0]} is missing", f"{SHEET}!1", "Put it back; the export has them all.")
    return found


def _rule_of(
    row: Sequence[Cell], places: Mapping[str, int], by_ref: Mapping[tuple[str, str], Rule], seen: set[tuple[str, str]]
) -> Rule:
    cell = row[places["rule"]]
    ref = str(_text(cell)), str(_text(row[places["version"]]))
    if ref not in by_ref:
        raise _refusal("there is no such rule in this version", _at(cell),
                       "Rules are added in the rule files; take the row out.")  # fmt: skip
    if ref in seen:
        raise _refusal(f"{ref[0]} stands twice", _at(cell), "Keep one of the two rows.")
    seen.add(ref)
    return by_ref[ref]


def _edit(row: Sequence[Cell], places: Mapping[str, int], rule: Rule) -> Edit:
    changed: dict[str, tuple[Value, Value]] = {}
    decision = ""
    for column in COLUMNS:
        cell = row[places[column.title]]
        if column.title == DECISION:
            decision = _decision(cell)
            continue
        was, now = column.of(rule), _value(cell, column)
        if (was or None) == (now or None) or column.title == DERIVED_FROM_MARK:
            continue
        if column.key is None:
            raise _refusal(f"{column.title} of {rule.id} may not be changed here", _at(cell),
                           "Write what should change into the remark; the rule's owner changes the file.")  # fmt: skip
        if now is None and column.key in _MUST_STAND:
            raise _refusal(f"{rule.id} has no {column.title}", _at(cell), "Fill it in.")
        changed[column.key] = was, now
    return Edit(rule, changed, decision)


def _decision(cell: Cell) -> str:
    word = str(_text(cell) or "").lower()
    if word and word not in DECISIONS:
        raise _refusal("not a decision", _at(cell), f"Choose {', '.join(DECISIONS)}, or leave it empty.")
    return word


def _value(cell: Cell, column: Column) -> Value:
    return _day(cell) if column.key in _DAYS else _text(cell)


def _text(cell: Cell) -> str | None:
    if cell.data_type in ("f", "e"):
        raise _refusal("the cell holds a formula or an error", _at(cell), "Write the text itself.")
    value = cell.value
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value.date().isoformat()
    if not isinstance(value, str):
        value = str(value)
    if len(value) > CHARACTERS_MAX:
        raise _refusal("the cell holds more than 5,000 characters", _at(cell), "Shorten it.")
    if any(ord(c) < 32 and c not in "\n\t" for c in value):
        raise _refusal("the cell holds control characters", _at(cell), "Type the text anew.")
    return unescaped(value.strip()) or None


def _day(cell: Cell) -> date | None:
    if isinstance(cell.value, datetime):
        return cell.value.date()
    if isinstance(cell.value, date):
        return cell.value
    written = _text(cell)
    if written is None:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise _refusal("not a day", _at(cell), "Write it as 2026-11-24.") from None


def _at(cell: Cell) -> str:
    return f"{SHEET}!{cell.coordinate}"


def _refusal(message: str, at: str, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="bad-workbook", field=at, remedy=remedy)

"""The rule set as a workbook for a lawyer: one row a rule; what she may change is white, what she may not is grey."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from routing.analysis.page import facts_words
from routing.analysis.words import condition_words, effect_words, mark_words
from routing.rule import Rule

SHEET: Final = "rules"
DECISIONS: Final = ("confirm", "change", "strike")
_STARTS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
_GREY: Final = PatternFill("solid", fgColor="EEEEEE")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``key`` is the rule file's key that may come back changed; None: not to be changed here."""

    title: str
    width: int
    of: Callable[[Rule], str | date | None]
    key: str | None = None


def _examples(rule: Rule, speaks: bool) -> str:
    return "\n".join(facts_words(one.facts) for one in rule.examples if one.speaks is speaks)


COLUMNS: Final = (
    Column("rule", 7, lambda r: r.id),
    Column("version", 11, lambda r: r.ref.version),
    Column("title", 40, lambda r: r.title, "title"),
    Column("when it speaks", 40, lambda r: condition_words(r.when)),
    Column("what it does", 60, lambda r: "\n".join(map(effect_words, r.effects))),
    Column("source and article", 28, lambda r: r.cite, "cite"),
    Column("language read", 10, lambda r: r.language or None, "language"),
    Column("mark", 7, lambda r: r.mark, "mark"),
    Column("what the mark means", 28, lambda r: mark_words(r.mark)),
    Column("in force from", 12, lambda r: r.valid_from, "valid_from"),
    Column("until (that day excluded)", 12, lambda r: r.valid_to, "valid_to"),
    Column("known since", 12, lambda r: r.recorded_at, "recorded_at"),
    Column("review by", 12, lambda r: r.review_on, "review_on"),
    Column("must speak on", 32, lambda r: _examples(r, True)),
    Column("must be silent on", 32, lambda r: _examples(r, False)),
    Column("signed by", 18, lambda r: r.signed.by if r.signed else None, "signed_by"),
    Column("signed on", 12, lambda r: r.signed.on if r.signed else None, "signed_on"),
    Column("counsel's remark", 40, lambda r: r.remark or None, "remark"),
    Column("counsel's decision", 12, lambda r: None),
)
DECISION: Final = COLUMNS[-1].title
DERIVED_FROM_MARK: Final = "what the mark means"
"""Follows from another column, so it may lag behind when that one is changed."""


def write(rules: Sequence[Rule]) -> bytes:
    """The workbook's bytes."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = SHEET
    for number, column in enumerate(COLUMNS, 1):
        head = sheet.cell(1, number, column.title)
        head.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    for row, rule in enumerate(rules, 2):
        for number, column in enumerate(COLUMNS, 1):
            cell = sheet.cell(row, number)
            _put(cell, column.of(rule))
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if column.key is None and column.title != DECISION:
                cell.fill = _GREY
    sheet.freeze_panes = "C2"
    choice = DataValidation(type="list", formula1=f'"{",".join(DECISIONS)}"', allow_blank=True)
    sheet.add_data_validation(choice)
    last = get_column_letter(len(COLUMNS))
    choice.add(f"{last}2:{last}{len(rules) + 1}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _put(cell: Cell | MergedCell, value: str | date | None) -> None:
    """Text stays text: what a program would read as a formula gets an apostrophe, taken off again on import."""
    if isinstance(value, str):
        cell.value = escaped(value)
        cell.data_type = "s"
    elif value is not None:
        cell.value = value
        cell.number_format = "yyyy-mm-dd"


def escaped(value: str) -> str:
    """A text that no spreadsheet program takes for a formula."""
    return f"'{value}" if value.startswith(_STARTS_A_FORMULA) else value


def unescaped(value: str) -> str:
    """The text as it was before :func:`escaped`."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_STARTS_A_FORMULA) else value

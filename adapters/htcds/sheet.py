"""From a checked archive to rows of cells under known columns: headers found, merged rows marked."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import openpyxl
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.workbook.workbook import Workbook

from adapters.htcds.asked import ASKED_BY_NAME, REPORTED, Asked
from adapters.htcds.codes import folded
from adapters.htcds.columns import (
    BY_LABEL,
    BY_NAME,
    KNOWN_DISAGREEMENTS,
    MISSPELT,
    REQUIRED,
    UNRELIABLE,
    Column,
)
from adapters.htcds.container import check, read_part, refuse
from contracts.errors import InvalidInput

ROWS_MAX: Final = 5000
COLUMNS_MAX: Final = 200
HEADER_WITHIN_ROWS: Final = 10
_MERGED: Final = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*["']([A-Z]+[0-9]+:[A-Z]+[0-9]+)["']""")


@dataclass(frozen=True, slots=True)
class Header:
    """Which column of the sheet is which. ``first_row`` is the first that may hold a person."""

    first_row: int
    iom: dict[int, Column]
    asked: dict[int, Asked]
    reported: dict[int, str]
    nameless: frozenset[int]  # columns with no header at all

    @property
    def width(self) -> int:
        return max((*self.iom, *self.asked, *self.reported))


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its value and openpyxl's kind of it (``f`` formula, ``e`` error, ``n``, ``s``, ``d``)."""

    value: Any
    kind: str

    def __repr__(self) -> str:
        return f"Cell(kind={self.kind})"


Row = dict[int, Cell]
"""Column number (1 is A) to cell, empty cells left out."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One case sheet, ready to be read row by row."""

    title: str
    header: Header
    merged_rows: frozenset[int]
    workbook: Workbook

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Row numbers as Excel shows them, with their filled cells; rows without a value are left out.

        Raises:
            InvalidInput: more rows than one sending may hold, or damaged in the middle.
        """
        filled = _rows(self.workbook, self.title, self.header.first_row)
        for so_far, (number, cells) in enumerate(filled, start=1):
            if so_far > ROWS_MAX:
                raise refuse(
                    f"the sheet holds more than {ROWS_MAX} filled rows",
                    "too-many-rows",
                    "Split it into several workbooks.",
                )
            yield number, cells


def open_sheet(document: bytes) -> Sheet:
    """Find the case sheet of a workbook.

    Raises:
        InvalidInput: as ``container.check``; no or two case sheets; headers moved or lost.
    """
    archive = check(document)
    workbook = load(archive, read_only=True)
    found: list[tuple[str, Header]] = []
    for sheet in workbook.worksheets[:20]:
        header = _find_header(workbook, sheet.title)
        if header is not None:
            found.append((sheet.title, header))
    if not found:
        raise refuse(
            "no sheet has HTCDS's field names (prs_FirstName …) in its first rows",
            "header-missing",
            "Use IOM's HTCDS template and keep its hidden first row.",
        )
    if len(found) > 1:
        raise refuse(
            "two sheets of the workbook are case sheets",
            "two-case-sheets",
            "Send each sheet as a workbook of its own.",
        )
    title, header = found[0]
    merged = _merged_rows(archive, workbook, title)
    if any(row < header.first_row for row in merged):
        raise refuse(
            "cells of the header are merged", "header-merged", "Unmerge the header cells and send again."
        )
    return Sheet(title, header, merged, workbook)


def load(archive: zipfile.ZipFile, *, read_only: bool) -> Workbook:
    """Hand the archive to openpyxl; whatever it stumbles over becomes one sentence."""
    source = archive.fp
    if source is None:
        raise refuse("the workbook is closed", "workbook-damaged", "Send it again.")
    source.seek(0)
    try:
        with _quiet():
            return openpyxl.load_workbook(source, read_only=read_only, keep_links=False)
    except Exception:  # noqa: BLE001 - openpyxl raises whatever a damaged file makes it stumble over
        raise refuse(
            "the workbook cannot be read",
            "workbook-damaged",
            "Open it in Excel or LibreOffice and save it again as .xlsx.",
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """openpyxl warns of extensions that it cannot keep, IOM's drop-down lists among them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _rows(
    workbook: Workbook, title: str, first_row: int, last_row: int | None = None
) -> Iterator[tuple[int, Row]]:
    sheet = workbook[title]
    try:
        unread = sheet.iter_rows(min_row=first_row, max_row=last_row)
        for number in count(first_row):
            with _quiet():
                cells = next(unread, None)
            if cells is None:
                return
            filled = {
                at: Cell(cell.value, cell.data_type)
                for at, cell in enumerate(cells, start=1)
                if cell.value is not None and not (isinstance(cell.value, str) and not cell.value.strip())
            }
            if len(cells) > COLUMNS_MAX and max(filled, default=0) > COLUMNS_MAX:
                raise refuse(
                    "the sheet is wider than any HTCDS template",
                    "too-many-columns",
                    "Copy the filled rows into a fresh HTCDS template.",
                )
            if filled:
                yield number, filled
    except InvalidInput:
        raise
    except Exception:  # noqa: BLE001 - as above, in the middle of a sheet
        raise refuse(
            "the sheet is damaged",
            "workbook-damaged",
            "Open it in Excel or LibreOffice and save it again as .xlsx.",
        ) from None


def _find_header(workbook: Workbook, title: str) -> Header | None:
    top = dict(_rows(workbook, title, 1, HEADER_WITHIN_ROWS))
    for number, cells in top.items():
        names = {at: str(cell.value).strip() for at, cell in cells.items() if cell.kind == "s"}
        if sum(name in BY_NAME or name in MISSPELT for name in names.values()) >= 5:
            labels = {
                at: str(cell.value).strip()
                for at, cell in top.get(number + 1, {}).items()
                if cell.kind == "s"
            }
            return _read_header(number + 2, names, labels)
    return None


def _read_header(first_row: int, names: dict[int, str], labels: dict[int, str]) -> Header:
    iom: dict[int, Column] = {}
    asked: dict[int, Asked] = {}
    reported: dict[int, str] = {}
    for at in sorted(names.keys() | labels.keys()):
        name, label = names.get(at, ""), labels.get(at, "")
        if name in REPORTED:
            reported[at] = name
        elif name.startswith("sampan_"):
            asked[at] = _asked_column(at, name)
        else:
            iom[at] = _iom_column(at, MISSPELT.get(name, name), label)
    taken = [column.name for column in iom.values()] + [column.name for column in asked.values()]
    if twice := next((name for name in taken if taken.count(name) > 1), None):
        label = BY_NAME[twice].label if twice in BY_NAME else ASKED_BY_NAME[twice].label
        raise InvalidInput(
            "two columns have this header",
            code="column-twice",
            field=f"column '{label}'",
            remedy="Keep one of them.",
        )
    for required in REQUIRED:
        if required not in taken:
            raise InvalidInput(
                "the column is missing",
                code="column-missing",
                field=f"column '{BY_NAME[required].label}'",
                remedy="Take the columns of IOM's template; leave cells empty, keep the columns.",
            )
    width = max(names.keys() | labels.keys())
    nameless = frozenset(range(1, width + 1)) - iom.keys() - asked.keys() - reported.keys()
    return Header(first_row, iom, asked, reported, nameless)


def _asked_column(at: int, name: str) -> Asked:
    try:
        return ASKED_BY_NAME[name]
    except KeyError:
        raise InvalidInput(
            "Sampan has no such column",
            code="column-unknown",
            field=f"column {get_column_letter(at)}",
            remedy="Take the columns of the result workbook as they are.",
        ) from None


def _iom_column(at: int, name: str, label: str) -> Column:
    """Decide what a column is. The label that people saw wins; see the module ``columns`` for why."""
    by_label, by_name = BY_LABEL.get(folded(label)), BY_NAME.get(name)
    where = f"column {get_column_letter(at)}"
    if by_label is not None:
        agrees = (
            by_name is None or by_name is by_label or (by_name.name, by_label.name) in KNOWN_DISAGREEMENTS
        )
        if agrees and (by_name is not None or not name):
            return by_label
        raise InvalidInput(
            f"the label says '{by_label.label}', the hidden field name above says otherwise",
            code="column-moved",
            field=where,
            remedy="A column was moved or inserted. Copy the rows into a fresh template.",
        )
    if by_name is not None and by_name.name not in UNRELIABLE:
        return by_name  # the label was translated or left out; the hidden name is sound
    raise InvalidInput(
        "this header is not one of HTCDS's or Sampan's",
        code="column-unknown",
        field=where,
        remedy="Put back the template's label, or delete the column.",
    )


def _merged_rows(archive: zipfile.ZipFile, workbook: Workbook, title: str) -> frozenset[int]:
    sheet: Any = workbook[title]  # read-only sheets know their part; the stubs do not
    path = str(sheet._worksheet_path).lstrip("/")
    rows: set[int] = set()
    for match in _MERGED.finditer(read_part(archive, path)):
        _, top, _, bottom = range_boundaries(match[1].decode())
        if top is not None and bottom is not None:
            rows.update(range(int(top), min(int(bottom), int(top) + ROWS_MAX * 4) + 1))
    return frozenset(rows)

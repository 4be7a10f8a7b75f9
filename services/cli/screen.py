"""What stands on the terminal: tables for people, JSON for programs, and nothing that drives the terminal.

Text that came from elsewhere is shown as text: no markup is read in it, and control characters (a name may
carry escape sequences) are taken out.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.private import MASK

EMPTY: Final = "–"
WIDTH_ELSEWHERE: Final = 150
"""Columns where no terminal says how wide it is: a file or a pipe."""

# C0 and C1 controls, and the characters that turn the direction of text around. Joiners and zero-width
# spaces stay: Khmer, Burmese and Lao are written with them.
_HOSTILE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u2028\u2029]"
)
_SPACES: Final = re.compile(r"[\t\n]+")


def clean(value: object) -> str:
    """``value`` as text of one paragraph that cannot drive a terminal."""
    return _HOSTILE.sub("", _SPACES.sub(" ", str(value)))


def text(value: object, style: str = "") -> Text:
    """Cleaned text that Rich shows as it is."""
    return Text(clean(value), style=style)


class Screen:
    """Where a command writes: results to standard output, remarks and errors to standard error."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(width=None if sys.stdout.isatty() else _width(), highlight=False, markup=False)
        self.err = Console(
            stderr=True, width=None if sys.stderr.isatty() else _width(), highlight=False, markup=False
        )

    def say(self, sentence: object, style: str = "") -> None:
        """One line of a result, for people; silent under ``--json``."""
        if not self.as_json:
            self.out.print(text(sentence, style), soft_wrap=True)

    def remark(self, sentence: object, style: str = "dim") -> None:
        """One line beside the result, on standard error."""
        self.err.print(text(sentence, style), soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table for people; silent under ``--json``. Long cells fold, none is cut."""
        if self.as_json:
            return
        table = Table(title=text(title, "bold"), title_justify="left", header_style="bold", pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(cell if isinstance(cell, Text) else text(_shown(cell)) for cell in row))
        self.out.print(table)

    def json(self, document: Any) -> None:
        """The result for programs; silent without ``--json``."""
        if self.as_json:
            sys.stdout.write(to_json(document) + "\n")
            sys.stdout.flush()


def to_json(document: Any) -> str:
    """JSON on one line, with everything escaped that could drive a terminal."""
    written = json.dumps(document, ensure_ascii=False, default=str)
    return _HOSTILE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def masked() -> Text:
    """What stands where a name would, before its recipient opened it."""
    return Text(MASK, style="dim")


def _shown(cell: object) -> object:
    if cell is None or cell == "":
        return EMPTY
    if isinstance(cell, list | tuple):
        return ", ".join(str(part) for part in cell) or EMPTY
    return cell


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdecimal() and int(columns) >= 40 else WIDTH_ELSEWHERE

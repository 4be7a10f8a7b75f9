"""One cell to one value. Each refusal names row, column and remedy, and never what stands in the cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Final

from adapters.htcds.codes import CodeList, find_code, find_codes, folded
from adapters.htcds.columns import Column, Kind
from adapters.htcds.sheet import Cell
from contracts.errors import InvalidInput

LINE_MAX: Final = 400
PROSE_MAX: Final = 8000
_ISO_DATE: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_ISO_DATE_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_TICKED: Final = frozenset({"yes", "true", "x", "✓", "✔", "1", "y", "ticked"})
_NOT_TICKED: Final = frozenset({"no", "false", "0", "n", "unticked"})
_BUDDHIST: Final = range(2400, 2700)
_AGE_YEARS_MAX: Final = 120


class NotStated(InvalidInput):
    """The value is there but cannot be told apart from another: a question rather than a refusal."""


def wrong(where: str, message: str, code: str, remedy: str) -> InvalidInput:
    """A refusal of one row."""
    return InvalidInput(message, code=code, field=where, remedy=remedy)


def read(cell: Cell, column: Column, where: str, today: date) -> object:
    """The canonical value of a filled cell: str, date, bool or list of codes.

    Args:
        where: ``row 7, column 'Birthdate'``.
        today: the sender's day; dates after it are refused.

    Raises:
        NotStated: ask the sender (a phone stored as a number).
        InvalidInput: the row cannot be taken.
    """
    plain(cell, where)
    return _READERS[column.kind](cell, column, where, today)


def plain(cell: Cell, where: str) -> None:
    """Refuse formulas and Excel's error values: what a person sees there is not what is stored."""
    if cell.kind == "f" or not isinstance(cell.value, str | int | float | bool | datetime | date | time):
        raise wrong(
            where,
            "the cell holds a formula",
            "cell-formula",
            "Copy the cell and paste it as a value (Paste Special, Values).",
        )
    if cell.kind == "e":
        raise wrong(where, "the cell holds an Excel error", "cell-error", "Type the value in again.")


def text(cell: Cell, where: str, most: int = LINE_MAX) -> str:
    """A cell as text, without control characters at its ends. Dates are refused: Excel changed them."""
    if isinstance(cell.value, datetime | date | time):
        raise wrong(
            where, "the cell is formatted as a date", "cell-date", "Format the cell as text, type it again."
        )
    if isinstance(cell.value, bool):
        raise wrong(where, "the cell holds TRUE or FALSE", "cell-tick", "Type words into it.")
    value = (
        str(int(cell.value)) if isinstance(cell.value, float) and cell.value.is_integer() else str(cell.value)
    )
    value = "".join(c for c in value if c in "\n\t" or c.isprintable() or not c.isascii()).strip()
    if len(value) > most:
        raise wrong(where, f"the text is longer than {most} characters", "cell-too-long", "Shorten it.")
    return value


def _text(cell: Cell, column: Column, where: str, today: date) -> str:
    return text(cell, where, PROSE_MAX if column.kind is Kind.PROSE else LINE_MAX)


def _code(cell: Cell, column: Column, where: str, today: date) -> str:
    code = find_code(text(cell, where), column.spellings)
    if code is None:
        raise _unknown_code(column, where)
    return code


def _codes(cell: Cell, column: Column, where: str, today: date) -> list[str]:
    found = find_codes(text(cell, where, PROSE_MAX), column.spellings)
    if found is None:
        raise _unknown_code(column, where)
    return found


def _unknown_code(column: Column, where: str) -> InvalidInput:
    if column.known is None:
        return wrong(where, "one of the countries is not known", "unknown-country", column.example)
    several = " Part several by ';'." if column.kind is Kind.CODES else ""
    return wrong(
        where,
        "one of the values is not in HTCDS's list",
        "unknown-code",
        f"Allowed: {allowed(column.known)}.{several}",
    )


def allowed(known: CodeList) -> str:
    """The labels of a list, for a remedy."""
    return ", ".join(f"'{label}'" for label in known.values())


def _tick(cell: Cell, column: Column, where: str, today: date) -> bool:
    if isinstance(cell.value, bool):
        return cell.value
    word = folded(text(cell, where))
    if word in _TICKED or word in _NOT_TICKED:
        return word in _TICKED
    raise wrong(where, "this is neither yes nor no", "unknown-code", "Write Yes or No.")


def _phone(cell: Cell, column: Column, where: str, today: date) -> str:
    _stored_as_text(
        cell, where, "Format the cell as text and write it with + and country code, such as +856…."
    )
    number = re.sub(r"[\s().\-\u00a0\u2010-\u2013]", "", text(cell, where))
    if not _E164.fullmatch(number):
        raise NotStated(
            "the number has no country code",
            code="phone-without-country",
            field=where,
            remedy="Write it with + and country code, such as +856…; across a border it is ambiguous.",
        )
    return number


def _digits(cell: Cell, column: Column, where: str, today: date) -> str:
    _stored_as_text(cell, where, "Format the cell as text and type it again with its leading zeros.")
    return text(cell, where)


def _stored_as_text(cell: Cell, where: str, remedy: str) -> None:
    if isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
        raise NotStated(
            "the cell is stored as a number, so a leading zero or + would be lost",
            code="stored-as-number",
            field=where,
            remedy=remedy,
        )


def read_date(cell: Cell, where: str) -> date:
    """A cell's day, past or future, of the common era and without a clock time."""
    day = _date_of(cell, where)
    if day.year in _BUDDHIST:
        raise wrong(
            where,
            "the year looks like one of the Buddhist era",
            "buddhist-year",
            "Write the year of the common era: subtract 543.",
        )
    return day


def _date(cell: Cell, column: Column, where: str, today: date) -> date:
    day = read_date(cell, where)
    if day > today:
        raise wrong(where, "the date lies in the future", "date-in-future", "Correct the date.")
    if column.name == "prs_Birthdate" and today.year - day.year > _AGE_YEARS_MAX:
        raise wrong(where, "the birth date is more than 120 years ago", "date-too-old", "Correct the date.")
    return day


def _date_of(cell: Cell, where: str) -> date:
    value = cell.value
    if isinstance(value, datetime):
        if value.time() != time(0):
            raise _clock_time(where)
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, str):
        written = value.strip()
        if _ISO_DATE_TIME.fullmatch(written):
            raise _clock_time(where)
        if match := _ISO_DATE.fullmatch(written):
            try:
                return date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                pass
    raise wrong(
        where,
        "this is not stored as a date",
        "not-a-date",
        "Enter it as a date in Excel, or as text in the form 2001-08-31 (year-month-day).",
    )


def _clock_time(where: str) -> InvalidInput:
    # 1982-10-10 at midnight in Bangkok is 1982-10-09T17:00Z: cutting at the T loses a day, and with it
    # perhaps the eighteenth birthday. Nobody but the sender can say which day is meant.
    return wrong(
        where,
        "the date carries a clock time, as when a time zone has shifted it by a day",
        "date-with-time",
        "Look up the date itself and enter it without a time.",
    )


_READERS: Final[Mapping[Kind, Callable[[Cell, Column, str, date], object]]] = {
    Kind.TEXT: _text,
    Kind.PROSE: _text,
    Kind.CODE: _code,
    Kind.CODES: _codes,
    Kind.TICK: _tick,
    Kind.DATE: _date,
    Kind.PHONE: _phone,
    Kind.DIGITS_AS_TEXT: _digits,
}

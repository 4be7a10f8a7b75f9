"""Durations as rules, consents and scenarios write them, and adding them to an instant. Pure.

24h   elapsed hours, whatever the clocks on the wall do
15d   calendar days: the same wall time in the owner's zone
3wd   working days of the owner's calendar: the same wall time, counting from the day after
3mo   calendar months, 1y years: the same day, or the last of a shorter month
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from contracts.errors import InvalidInput

Unit = Literal["h", "d", "wd", "mo", "y"]

_PATTERN: Final = re.compile(r"(\d{1,5}) ?(h|d|wd|mo|y)")
_MOST_DAYS: Final = 36_600  # a hundred years: anything beyond that is a slip of the pen
_UNTIL_YEARS: Final = 20
"""How far ahead a consent or an order may end: longer than any in use, and far short of the 543 years of an era."""


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount and its unit; ``str`` gives it back as written in rules."""

    amount: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


def parse_duration(text: str, field: str = "within") -> Duration:
    """Read ``24h``, ``15d``, ``3wd``, ``3mo`` or ``1y``.

    Raises:
        InvalidInput: another shape, or longer than a hundred years.
    """
    match = _PATTERN.fullmatch(text.strip())
    if match is None:
        raise InvalidInput("not a duration", code="bad-duration", field=field,
                           remedy="Write 24h, 15d, 3wd (working days), 3mo or 1y.")  # fmt: skip
    made = Duration(int(match[1]), cast(Unit, match[2]))
    if _days(made) > _MOST_DAYS:
        raise InvalidInput("longer than a hundred years", code="bad-duration", field=field,
                           remedy="Check the number and its unit.")  # fmt: skip
    return made


def _days(duration: Duration) -> float:
    """At most so many calendar days."""
    return duration.amount * {"h": 1 / 24, "d": 1, "wd": 2, "mo": 31, "y": 366}[duration.unit]


def check_until(until: str | date, today: date, field: str) -> None:
    """The end of a consent or an order, as a sender states it: a duration or a day, neither of them far off.

    What passes here the router can add to any instant of today; what it could not add would stop the case.

    Raises:
        InvalidInput: no duration, or an end more than twenty years ahead.
    """
    if isinstance(until, str):
        if _days(parse_duration(until, field)) > 12 * 31 * _UNTIL_YEARS:  # 240mo is 20y
            raise InvalidInput("This ends more than twenty years ahead.", code="too-far-ahead", field=field,
                               remedy="Check the number and its unit.")  # fmt: skip
    elif until.year > today.year + _UNTIL_YEARS:
        raise InvalidInput(
            "This ends more than twenty years ahead.", code="too-far-ahead", field=field,
            remedy="Check the date; a Buddhist-era year is 543 more than the year meant here.",
        )  # fmt: skip


def add(
    instant: datetime,
    duration: Duration,
    zone: ZoneInfo,
    is_working_day: Callable[[date], bool] = lambda day: day.weekday() < 5,
) -> datetime:
    """The instant after a duration, in UTC.

    ``zone`` is the owner's; ``is_working_day`` its calendar (``Directory.working_days``). A wall time that a
    change of clocks skips becomes the instant it would have been; one that occurs twice, the first.

    Raises:
        InvalidInput: the result lies beyond the calendar, or working days never come.
    """
    if instant.tzinfo is None:
        raise InvalidInput(
            "a time without offset", code="naive-time", remedy="Give the time with its offset."
        )
    if duration.unit == "h":
        return instant.astimezone(UTC) + timedelta(hours=duration.amount)
    local = instant.astimezone(zone)
    try:
        day = _day_after(local.date(), duration, is_working_day)
        return datetime.combine(day, local.timetz().replace(tzinfo=zone, fold=0)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise InvalidInput("beyond the calendar", code="bad-duration", remedy="Check the number.") from None


def _day_after(day: date, duration: Duration, is_working_day: Callable[[date], bool]) -> date:
    match duration.unit:
        case "d":
            return day + timedelta(days=duration.amount)
        case "mo":
            return _months_after(day, duration.amount)
        case "y":
            return _months_after(day, 12 * duration.amount)
        case _:
            return _working_days_after(day, duration.amount, is_working_day)


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _working_days_after(day: date, amount: int, is_working_day: Callable[[date], bool]) -> date:
    idle = 0
    while amount:
        day += timedelta(days=1)
        idle = 0 if is_working_day(day) else idle + 1
        amount -= idle == 0
        if idle > 400:
            raise InvalidInput("working days never come", code="bad-duration", remedy="Check the calendar.")
    return day

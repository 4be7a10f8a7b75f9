"""Working hours, working days and public holidays, in a place's own zone. Pure: dates in, dates out.

Durations are elapsed hours, calendar days or working days in the owner's calendar; whether a desk is open
decides only *how* it is reached (inbox or duty phone), never *whether* it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts.errors import InvalidInput
from contracts.yaml_text import LocatedDict, load_yaml

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST_CLOSURE_DAYS: Final = 400


@dataclass(frozen=True, slots=True)
class Hours:
    """When a desk is staffed: weekdays (0 = Monday) and local wall times; ``always`` for a night desk."""

    days: frozenset[int] = frozenset(range(5))
    opens: time = time(8, 0)
    closes: time = time(16, 0)
    always: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """Public holidays by country code. An unknown country simply has none recorded."""

    holidays: Mapping[str, frozenset[date]] = field(default_factory=dict)

    def is_holiday(self, day: date, countries: Iterable[str]) -> bool:
        """Whether any of the countries rests on that local day."""
        return any(day in self.holidays.get(country, ()) for country in countries)

    def is_working_day(self, day: date, hours: Hours, countries: Iterable[str]) -> bool:
        """Whether a desk with these hours works on that local day. A night desk works every day."""
        return hours.always or (day.weekday() in hours.days and not self.is_holiday(day, countries))

    def is_open(self, at: datetime, hours: Hours, zone: ZoneInfo, countries: Iterable[str]) -> bool:
        """Whether a desk is staffed at an instant; the closing minute itself is closed."""
        local = at.astimezone(zone)
        if not self.is_working_day(local.date(), hours, countries):
            return False
        return hours.always or hours.opens <= local.time() < hours.closes

    def next_working_instant(
        self, at: datetime, hours: Hours, zone: ZoneInfo, countries: Iterable[str]
    ) -> datetime:
        """The first instant from ``at`` on at which the desk is staffed; ``at`` itself if it is open now.

        Raises:
            InvalidInput: the desk never opens (no weekday, or holidays without end).
        """
        places = tuple(countries)
        if self.is_open(at, hours, zone, places):
            return at
        local = at.astimezone(zone)
        for ahead in range(_LONGEST_CLOSURE_DAYS):
            day = local.date() + timedelta(days=ahead)
            opening = datetime.combine(day, hours.opens, zone)
            if opening >= at and self.is_working_day(day, hours, places):
                return opening.astimezone(at.tzinfo)
        raise InvalidInput(
            "the desk never opens",
            code="never-open",
            field="hours",
            remedy="Give the agency at least one working day.",
        )


def load_holidays(text: str, file: str) -> Calendar:
    """Read ``holidays: {CC: [{day, name, confidence}]}``.

    Raises:
        InvalidInput: a row without a day, or a day that is no date; names ``file:line``.
    """
    rows: LocatedDict = load_yaml(text, file)["holidays"]
    return Calendar({country: frozenset(_day(row) for row in days) for country, days in rows.items()})


def _day(row: LocatedDict) -> date:
    day = row.get("day")
    if not isinstance(day, date):
        raise InvalidInput(
            "a holiday needs a day",
            code="bad-holiday",
            field=row.where("day"),
            remedy="Write day: 2026-04-14.",
        )
    return day


def parse_hours(value: object, where: str) -> Hours:
    """Read ``always`` or ``{days: [mon, …], from: "08:00", to: "16:00"}``.

    Raises:
        InvalidInput: an unknown weekday, a time that is none, or closing before opening.
    """
    if value == "always":
        return Hours(frozenset(range(7)), time(0), time(23, 59, 59), always=True)
    try:
        written = value if isinstance(value, dict) else {}
        days = frozenset(WEEKDAYS.index(day) for day in written["days"])
        opens, closes = time.fromisoformat(written["from"]), time.fromisoformat(written["to"])
    except (KeyError, ValueError, TypeError):
        days, opens, closes = frozenset(), time(0), time(0)
    if not days or closes <= opens:
        raise InvalidInput(
            "working hours are not readable",
            code="bad-hours",
            field=where,
            remedy='Write hours: always, or {days: [mon, fri], from: "08:00", to: "16:00"}.',
        )
    return Hours(days, opens, closes)

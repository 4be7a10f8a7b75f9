"""Working hours, working days and holidays, in the agency's own zone."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from contracts.durations import add, parse_duration
from contracts.errors import InvalidInput
from deploy.region import load_region
from routing.calendar import Calendar, Hours, load_holidays

REGION = load_region()
VIENTIANE = ZoneInfo("Asia/Vientiane")
RFP = REGION.by_slug("rfp-la")


def at(text: str) -> datetime:
    """A wall time in Vientiane."""
    return datetime.fromisoformat(text).replace(tzinfo=VIENTIANE)


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [
        ("2026-04-10T08:00", True), ("2026-04-10T07:59", False), ("2026-04-10T16:59", True),
        ("2026-04-10T17:00", False), ("2026-04-11T10:00", False), ("2026-04-14T10:00", False),
    ],
)  # fmt: skip
def test_a_desk_is_open_in_its_hours_on_its_days(wall: str, is_open: bool) -> None:
    """Friday in hours; not at closing, on Saturday, or on Lao new year."""
    assert REGION.is_open(RFP, at(wall)) is is_open
    assert REGION.is_open(RFP, at(wall).astimezone(UTC)) is is_open


@pytest.mark.parametrize(
    ("wall", "then"),
    [
        ("2026-04-10T10:00", "2026-04-10T10:00"), ("2026-04-10T05:00", "2026-04-10T08:00"),
        ("2026-04-10T17:00", "2026-04-13T08:00"), ("2026-04-13T18:00", "2026-04-17T08:00"),
    ],
)  # fmt: skip
def test_the_next_working_instant_skips_nights_weekends_and_holidays(wall: str, then: str) -> None:
    """After Monday evening before new year comes Friday morning."""
    assert REGION.next_working_instant(RFP, at(wall)) == at(then)


def test_a_night_desk_is_always_open() -> None:
    """Also on the holiday, also at three in the morning."""
    assert REGION.is_open(REGION.by_slug("child-duty-la"), at("2026-04-14T03:00"))


def test_a_mission_keeps_the_holidays_of_both_its_countries() -> None:
    """The Lao embassy in Bangkok rests on Songkran and on Lao national day."""
    embassy = REGION.by_slug("embassy-la-th")
    assert not REGION.is_open(embassy, at("2026-04-13T10:00"))
    assert not REGION.is_open(embassy, at("2026-12-02T10:00"))
    assert REGION.is_open(REGION.by_slug("rfp-th"), at("2026-12-02T10:00"))


def test_working_days_fit_durations() -> None:
    """Three working days over Lao new year end on the Monday after."""
    then = add(at("2026-04-10T09:00"), parse_duration("3wd"), RFP.zone, REGION.working_days(RFP))
    assert then == at("2026-04-20T09:00")


def test_a_desk_that_never_opens_is_said() -> None:
    """Rather an error than a search without end."""
    with pytest.raises(InvalidInput):
        Calendar().next_working_instant(at("2026-04-10T09:00"), Hours(frozenset()), VIENTIANE, ["LA"])


def test_a_holiday_row_without_a_day_is_refused() -> None:
    """With file and line."""
    with pytest.raises(InvalidInput) as refused:
        load_holidays("holidays:\n  LA:\n  - {day: soon, name: x}\n", "holidays.yaml")
    assert refused.value.field == "holidays.yaml:3"
    calendar = load_holidays("holidays:\n  LA:\n  - {day: 2026-01-01, name: x}\n", "holidays.yaml")
    assert calendar.is_holiday(date(2026, 1, 1), ["TH", "LA"])
    assert Hours().opens == time(8, 0)

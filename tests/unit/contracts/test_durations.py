"""Durations: elapsed hours, days on the owner's wall, working days of the owner's calendar."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.durations import add, check_until, parse_duration
from contracts.errors import InvalidInput

BANGKOK, SYDNEY = ZoneInfo("Asia/Bangkok"), ZoneInfo("Australia/Sydney")
FRIDAY = datetime(2026, 4, 10, 16, 30, tzinfo=BANGKOK)


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("24h", datetime(2026, 4, 11, 16, 30, tzinfo=BANGKOK)),
        ("15d", datetime(2026, 4, 25, 16, 30, tzinfo=BANGKOK)),
        ("3wd", datetime(2026, 4, 15, 16, 30, tzinfo=BANGKOK)),
        ("3mo", datetime(2026, 7, 10, 16, 30, tzinfo=BANGKOK)),
        ("13mo", datetime(2027, 5, 10, 16, 30, tzinfo=BANGKOK)),
        ("1y", datetime(2027, 4, 10, 16, 30, tzinfo=BANGKOK)),
        ("0d", FRIDAY),
    ],
)
def test_each_unit_counts_its_own_way(text: str, then: datetime) -> None:
    """24h from a Friday afternoon is Saturday; 3wd is Wednesday."""
    assert add(FRIDAY, parse_duration(text), BANGKOK) == then


def test_holidays_are_no_working_days() -> None:
    """Over Lao new year the third working day is a Monday."""
    rest = {date(2026, 4, 14), date(2026, 4, 15), date(2026, 4, 16)}
    then = add(FRIDAY, parse_duration("3wd"), BANGKOK, lambda day: day.weekday() < 5 and day not in rest)
    assert then == datetime(2026, 4, 20, 16, 30, tzinfo=BANGKOK)


def test_a_month_ends_with_its_last_day() -> None:
    """One month after 31 January is 28 February, three are 30 April, two 31 March."""
    start = datetime(2026, 1, 31, 10, tzinfo=BANGKOK)
    assert add(start, parse_duration("1mo"), BANGKOK) == datetime(2026, 2, 28, 10, tzinfo=BANGKOK)
    assert add(start, parse_duration("3mo"), BANGKOK) == datetime(2026, 4, 30, 10, tzinfo=BANGKOK)
    assert add(start, parse_duration("2mo"), BANGKOK) == datetime(2026, 3, 31, 10, tzinfo=BANGKOK)


def test_a_calendar_day_keeps_the_wall_time_where_clocks_change() -> None:
    """A day over the end of summer time has 25 hours; 24h has 24."""
    start = datetime(2026, 4, 4, 12, tzinfo=SYDNEY)
    assert add(start, parse_duration("1d"), SYDNEY) == datetime(2026, 4, 5, 12, tzinfo=SYDNEY)
    assert add(start, parse_duration("24h"), SYDNEY) == datetime(2026, 4, 5, 11, tzinfo=SYDNEY)


@pytest.mark.parametrize("text", ["", "15", "d", "1.5d", "-3d", "15 days", "3w", "999999d", "99999d", "200y"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A typing error is not silently a deadline."""
    with pytest.raises(InvalidInput) as refused:
        parse_duration(text, field="until")
    assert refused.value.field == "until"


@pytest.mark.parametrize("until", ["20y", "90d", "0d", date(2046, 12, 31), date(2026, 3, 1)])
def test_an_end_within_twenty_years_stands(until: str | date) -> None:
    """A consent may end in years, or have ended: that is for the rules to judge."""
    check_until(until, date(2026, 4, 1), "consent.until")


@pytest.mark.parametrize(
    ("until", "remedy"),
    [
        (date(9999, 12, 31), "Buddhist"),
        (date(2569, 6, 1), "Buddhist"),
        (date(2047, 1, 1), "Buddhist"),
        ("21y", "unit"),
        ("200y", "unit"),
        ("123456d", "Write"),
        ("soon", "Write"),
    ],
)
def test_an_end_far_off_is_refused_with_its_remedy(until: str | date, remedy: str) -> None:
    """A year of another era, or a number too many, is no end that anybody agreed to."""
    with pytest.raises(InvalidInput) as refused:
        check_until(until, date(2026, 4, 1), "consent.until")
    assert refused.value.field == "consent.until"
    assert remedy in str(refused.value.remedy)


@pytest.mark.parametrize("zone", [BANGKOK, SYDNEY])
@pytest.mark.parametrize("until", ["20y", "240mo", "7300d", "3660wd", "99999h"])
def test_what_passes_as_an_end_can_be_added(until: str, zone: ZoneInfo) -> None:
    """Whatever intake lets through, the router can add to the instant at which it takes the event in."""
    check_until(until, FRIDAY.date(), "consent.until")
    assert add(FRIDAY, parse_duration(until), zone) > FRIDAY


def test_a_time_without_offset_is_refused() -> None:
    """A naive time would be read in whatever zone the server stands in."""
    with pytest.raises(InvalidInput):
        add(datetime(2026, 1, 1, tzinfo=None), parse_duration("1d"), BANGKOK)  # noqa: DTZ001


def test_a_calendar_without_working_days_is_refused() -> None:
    """A desk that never works has no third working day."""
    with pytest.raises(InvalidInput):
        add(FRIDAY, parse_duration("3wd"), BANGKOK, lambda day: False)


@given(
    st.integers(946_684_800, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    st.integers(0, 400),
    st.sampled_from(["h", "d", "wd", "mo", "y"]),
)
def test_a_deadline_never_comes_before_its_start(start: datetime, amount: int, unit: str) -> None:
    """Adding goes forward, and a longer duration is never due earlier."""
    if unit == "y":
        amount %= 90
    then = add(start, parse_duration(f"{amount}{unit}"), BANGKOK)
    assert then >= start
    assert add(start, parse_duration(f"{amount + 1}{unit}"), BANGKOK) >= then

"""The clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.runtime.clock import ManualClock, SystemClock


async def test_sleeping_moves_a_manual_clock() -> None:
    """Who sleeps on a manual clock wakes at once, later by as much as it slept."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    await clock.sleep(90.5)
    assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, 500000, tzinfo=UTC)


def test_a_manual_clock_answers_in_utc() -> None:
    """Moments given in another zone are the same moment in UTC."""
    clock = ManualClock(datetime(2026, 1, 1, 7, tzinfo=timezone(timedelta(hours=7))))
    assert clock.now().isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_naive_moment_is_refused() -> None:
    """A moment without a zone is no moment."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 (the point of the test)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(naive)
    with pytest.raises(ValueError, match="aware"):
        ManualClock(datetime(2026, 1, 1, tzinfo=UTC)).move_to(naive)


def test_the_system_clock_is_aware() -> None:
    """The machine's time comes with its zone, UTC."""
    assert SystemClock().now().tzinfo is UTC

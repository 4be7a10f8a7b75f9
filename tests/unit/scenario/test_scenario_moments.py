"""The grammar of ``at``."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.scenario.moments import moment

START = datetime.fromisoformat("2026-01-31T09:30+07:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "2026-01-31T09:30+07:00"),
        ("0d", "2026-01-31T09:30+07:00"),
        ("10d", "2026-02-10T09:30+07:00"),
        ("2d 5h", "2026-02-02T14:30+07:00"),
        ("2d5h".replace("d5", "d 5"), "2026-02-02T14:30+07:00"),
        ("90 min", "2026-01-31T11:00+07:00"),
        ("1mo", "2026-02-28T09:30+07:00"),
        ("1y + 1mo", "2027-02-28T09:30+07:00"),
        ("211d + 1mo + 1d", "2026-10-01T09:30+07:00"),
        ("30d 14:00", "2026-03-02T14:00+07:00"),
        ("18:05", "2026-01-31T18:05+07:00"),
        ("3wd", "2026-02-04T09:30+07:00"),
        ("2026-05-01T09:00+08:00", "2026-05-01T09:00+08:00"),
        ("2026-05-01T02:00Z", "2026-05-01T09:00+07:00"),
    ],
)
def test_an_offset_or_instant_names_one_moment(text: str, expected: str) -> None:
    """Every form of ``at`` means one instant, counted in the zone that the file's clock writes."""
    assert moment(text, START) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text", ["", "ten days", "10", "10dd", "5m", "-1d", "2d5x", "25:00", "10d 9", "2026-05-01", "9999999d"]
)
def test_what_is_not_of_the_grammar_is_refused(text: str) -> None:
    """A text outside the grammar, or an instant without its offset, is a ValueError and never a guess."""
    with pytest.raises(ValueError, match=r".*"):
        moment(text, START)

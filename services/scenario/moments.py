"""When a step happens: the grammar of ``at``, and durations as expectations write them.

10d            ten calendar days after the start, at the start's time of day
2d 5h          a sum, read from left to right
211d + 1mo     months and years are calendar ones; the 31st becomes the month's last day
30d 14:00      that day, at that wall time in the clock's zone
2026-05-01T09:00+07:00   an instant
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from typing import Final

_PART: Final = re.compile(r"(\d{1,6}) ?(min|mo|wd|h|d|y)")
_ONE: Final = r"\d{1,6} ?(?:min|mo|wd|h|d|y)(?=$|[ +])"
_SUM: Final = re.compile(rf"{_ONE}(?:[ +]+{_ONE})*")
_WALL: Final = re.compile(r"(?:^|[ ]+)([01]?\d|2[0-3]):([0-5]\d)$")
AT_REMEDY: Final = (
    "Write an offset from the start (10d, 2d 5h, 211d + 1mo, 30d 14:00), or an instant with its offset."
)


def moment(text: str, start: datetime) -> datetime:
    """The instant that ``at`` names, in the zone of ``start``.

    Raises:
        ValueError: not of the grammar, or an instant without an offset.
    """
    text = text.strip()
    if re.match(r"\d{4}-\d{2}-\d{2}", text):
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise ValueError("an instant needs its offset")
        return instant.astimezone(start.tzinfo)
    wall = _WALL.search(text)
    offset = text[: wall.start()].strip() if wall else text
    result = start if offset in ("", "0") else later(start, offset)
    if wall:
        result = result.replace(hour=int(wall[1]), minute=int(wall[2]), second=0, microsecond=0)
    elif text == "":
        raise ValueError("nothing to read")
    return result


def later(start: datetime, offset: str) -> datetime:
    """``start`` plus a sum of durations, in the zone of ``start``.

    Raises:
        ValueError: not a sum of durations.
    """
    if not _SUM.fullmatch(offset.strip()):
        raise ValueError("not a duration")
    for count, unit in _PART.findall(offset):
        start = _add(start, int(count), unit)
    return start


def _add(start: datetime, count: int, unit: str) -> datetime:
    try:
        match unit:
            case "min":
                return start + timedelta(minutes=count)
            case "h":
                return start + timedelta(hours=count)
            case "d":
                return start + timedelta(days=count)
            case "wd":
                return _working_days(start, count)
            case "mo":
                return _months(start, count)
            case _:
                return _months(start, 12 * count)
    except OverflowError:
        raise ValueError("too far away") from None


def _months(start: datetime, count: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))


def _working_days(start: datetime, count: int) -> datetime:
    while count > 0:
        start += timedelta(days=1)
        count -= start.weekday() < 5
    return start

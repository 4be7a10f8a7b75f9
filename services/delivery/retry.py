"""When a lane tries again. Lane state is the only retry policy in the house."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST_DELAY_SECONDS: Final = 2.0
LONGEST_DELAY_SECONDS: Final = 3600.0
_DOUBLINGS_MAX: Final = 12
ATTEMPTS_MAX: Final = {"EMERGENCY": 6, "URGENT": 9, "ROUTINE": 36}
"""About two minutes, about a quarter of an hour, about 28 hours: then the lane parks and a person is told."""


def delay_seconds(attempts: int, uniform: Callable[[float, float], float]) -> float:
    """Seconds until attempt ``attempts + 1``: doubling from two seconds to an hour, with full jitter.

    Jitter keeps a hundred lanes to one ministry from knocking together when its server comes back.
    """
    doublings = min(max(attempts - 1, 0), _DOUBLINGS_MAX)  # a recall may try a thousand times
    ceiling = min(FIRST_DELAY_SECONDS * 2.0**doublings, LONGEST_DELAY_SECONDS)
    return float(uniform(ceiling / 2, ceiling))


def exhausted(attempts: int, priority: str) -> bool:
    """Whether a lane has tried as often as this priority allows."""
    return attempts >= ATTEMPTS_MAX.get(priority, ATTEMPTS_MAX["ROUTINE"])

"""When a lane tries again: doubling to an hour, never all at once, and as often as its priority allows."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from services.delivery.retry import ATTEMPTS_MAX, delay_seconds, exhausted


@given(attempts=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_a_pause_lies_between_half_and_whole(attempts: int, seed: int) -> None:
    """Each pause is jittered between half and all of two seconds doubled, an hour at most."""
    whole = min(2.0 * 2 ** (attempts - 1), 3600.0)
    assert whole / 2 <= delay_seconds(attempts, random.Random(seed).uniform) <= whole


def test_a_hundred_lanes_do_not_knock_together() -> None:
    """A hundred lanes that failed at the same instant come back at a hundred instants."""
    dice = random.Random(1)
    assert len({delay_seconds(8, dice.uniform) for _ in range(100)}) == 100


def test_what_is_urgent_gives_up_sooner() -> None:
    """An emergency parks within minutes, routine within days; an unknown priority counts as routine."""
    longest = {
        name: sum(delay_seconds(n, max) for n in range(1, most)) for name, most in ATTEMPTS_MAX.items()
    }
    assert longest["EMERGENCY"] <= 180
    assert longest["URGENT"] <= 1200
    assert 24 * 3600 <= longest["ROUTINE"] <= 36 * 3600
    assert [exhausted(n, "EMERGENCY") for n in (5, 6, 7)] == [False, True, True]
    assert not exhausted(35, "unheard of")

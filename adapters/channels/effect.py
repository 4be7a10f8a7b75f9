"""What a call promises when the same thing is sent twice. Tests and claims are made per class.

Source: design, "Opening" point 5. At least once is the promise everywhere; the class says what becomes of
the second time.
"""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    """Effect class of a channel or of one call."""

    TRANSACTIONAL = "transactional"  # written in our own transaction: a second time cannot happen
    KEYED = "keyed"  # the other side tells repeats apart by a key that we choose
    CHECK_THEN_ACT = "check_then_act"  # we read the other side before acting again, else park
    REPEATABLE = "repeatable"  # a second time is seen and harmless, or only reads

"""How often Python's cycle collector looks, in a process that serves (ADR 0160)."""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 20_000
"""Objects made and kept before the youngest are looked at: some ten referrals, not one."""
_OLDER: Final = (20, 50)


def settle() -> None:
    """What stands now (the law, the directory, the code) stays: it is looked at never again, and the rest seldom.

    Call it once, when everything that lives as long as the process has been built.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *_OLDER)

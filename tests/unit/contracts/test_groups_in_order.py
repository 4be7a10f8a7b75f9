"""Field groups are shown by their number."""

from __future__ import annotations

import random

import pytest

from contracts.roles import Group, in_order


def test_ten_comes_after_two() -> None:
    """In whatever order they come: F2 before F10, each a group."""
    shuffled = [group.value for group in Group]
    random.Random(3).shuffle(shuffled)
    assert in_order(shuffled) == [Group(f"F{number}") for number in range(14)]


def test_what_is_no_group_is_refused() -> None:
    """A word that is none of the groups is not shown as one."""
    with pytest.raises(ValueError, match="F99"):
        in_order(["F1", "F99"])

"""How far a release goes."""

from __future__ import annotations

import pytest

from contracts.errors import InvalidInput
from routing.limits import Limit, limit_of, mark, read_limit


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("F3", Limit(frozenset({"F3"}))),
        ("30d", Limit(None, ("30d",))),
        ("F0 F3 24h", Limit(frozenset({"F0", "F3"}), ("24h",))),
    ],
)
def test_a_limit_names_groups_a_duration_or_both(text: str, limit: Limit) -> None:
    """What is not named is not limited."""
    assert read_limit(text) == limit


@pytest.mark.parametrize("text", ["", "F99", "everything", "F3 30d 40d", "F3,F4", "0 days"])
def test_anything_else_is_refused(text: str) -> None:
    """A limit that nobody understands must not become no limit."""
    with pytest.raises(InvalidInput) as refused:
        read_limit(text)
    assert refused.value.field == "limit"


def test_of_two_limits_the_narrower_counts() -> None:
    """Two persons who release to different groups release what both would."""
    assert limit_of(["cpa_agreement", mark("F1 F2 10d"), mark("F2 F4")]) == Limit(frozenset({"F2"}), ("10d",))
    assert limit_of(["cpa_agreement"]) == Limit()
    assert Limit(frozenset({"F2"})).of(["F1", "F2"]) == ["F2"]


def test_of_two_times_both_count() -> None:
    """Whichever ends first ends it, in whatever order two persons gave them."""
    assert limit_of([mark("30d"), mark("1d")]).within == ("30d", "1d")

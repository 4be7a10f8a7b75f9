"""Counts point at nobody."""

from datetime import date

import pytest
from pydantic import ValidationError

from contracts.families import Counts, CountsPayload


@pytest.mark.parametrize("number", [1, 10])
def test_a_small_cell_is_not_sent(number: int) -> None:
    """From one to ten people are too few to hide among."""
    with pytest.raises(ValidationError, match="suppressed"):
        Counts(category="participants", number=number)


def test_a_suppressed_cell_carries_no_number() -> None:
    """Suppressed means that the number stays at home; zero and eleven may travel."""
    cells = [Counts(category="calls", suppressed=True), Counts(category="a1", number=0)]
    payload = CountsPayload(
        country="LA", held_on=date(2026, 2, 1), cells=[*cells, Counts(category="b1", number=11)]
    )
    assert payload.cells[0].number is None
    with pytest.raises(ValidationError):
        Counts(category="calls", suppressed=True, number=3)
    with pytest.raises(ValidationError):
        Counts(category="calls")


def test_a_category_is_not_a_name() -> None:
    """Free text in a category would carry a village or a person."""
    with pytest.raises(ValidationError):
        Counts(category="Ban Nong Khai", number=20)

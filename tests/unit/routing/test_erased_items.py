"""What is erased with a group: the items that are parts of it, from the state and from what may be opened."""

from __future__ import annotations

import pytest

from contracts.groups import GROUP_MODELS, ITEM_FROM, ITEMS, items_from
from routing.state import decode_state
from tests.support.routing_play import Play

DECLINES = {"found_in": "TH", "stage": "transit", "declined": True}


def items_of(play: Play) -> set[str]:
    assert play.state is not None
    return set(decode_state(play.state).items)


def test_every_item_is_a_part_of_a_group_that_travels() -> None:
    """An item without its group would outlive every erasure."""
    assert set(ITEM_FROM) == set(ITEMS)
    assert set(ITEM_FROM.values()) <= set(GROUP_MODELS)
    assert items_from(["F1", "F5"]) == {"age_group"}
    assert items_from(["F5"]) == set()


@pytest.mark.parametrize(
    ("seal", "erased"),
    [(("F1", "F12", "age_group"), ("F1", "F12")), (("F12", "age_group"), ("F1", "F12")), (("age_group",), ("F1",))],
)
def test_a_rule_that_erases_a_group_erases_its_items(seal: tuple[str, ...], erased: tuple[str, ...]) -> None:
    """An adult in transit who declines leaves no age group either, even where she never gave her name (R40)."""
    play = Play()
    decision = play.emit("PersonIntercepted", "NGO-H@TH", DECLINES, seal=seal)
    assert decision.erase_groups == erased
    assert items_of(play) == set()


def test_a_deadline_that_erases_takes_the_items_too() -> None:
    """An unsupported report is erased after 90 days: the age group, the only thing sealed, names its group (R55)."""
    play = Play(owner="WCH@KH")
    facts = {"last_seen_in": "KH", "perhaps_in": "TH", "age": 12, "citizenship": ["KH"]}
    play.emit("MissingPersonReported", "WCH@KH", facts, seal=("F4", "age_group"))
    assert [d.erase_groups for d in play.wait(24 * 91) if d.erase_groups] == [("F1", "F4")]
    assert items_of(play) == set()

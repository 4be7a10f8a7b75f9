"""A sender takes back from some what it sent to more."""

from __future__ import annotations

import pytest

from tests.support.routing_play import HELP, Play, told


@pytest.fixture
def sent() -> Play:
    """A referral to a hospital and a shelter, both told."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", {"found_in": "TH", "citizenship": ["LA"]}, consent=HELP)
    decision = play.emit("ReferralSent", "NGO-H@TH", seal=("F1", "F2", "F7"), to=("MED@TH", "SHA@TH"))
    assert {"MED@TH", "SHA@TH"} <= set(told(decision))
    return play


def test_whose_referral_stands_hears_nothing_of_another_being_withdrawn(sent: Play) -> None:
    """A shelter that heard of a withdrawal might give her bed away."""
    decision = sent.emit("ReferralWithdrawn", "NGO-H@TH", to=("MED@TH",))
    assert set(told(decision)) == {"MED@TH"}
    assert [one.recalled for one in decision.regrants] == [True]


def test_naming_a_party_alone_takes_nothing_back(sent: Play) -> None:
    """Whoever tells the owner of a withdrawal has not withdrawn everything by it."""
    assert sent.emit("ReferralWithdrawn", "NGO-H@TH", to=("owner",)).regrants == ()


def test_naming_nobody_takes_it_back_from_all(sent: Play) -> None:
    """The referral is withdrawn, and whoever was told hears of it."""
    decision = sent.emit("ReferralWithdrawn", "NGO-H@TH")
    assert {"MED@TH", "SHA@TH"} <= set(told(decision))
    assert len(decision.regrants) == 2

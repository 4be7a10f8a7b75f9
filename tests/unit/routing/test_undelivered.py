"""What no machine could deliver: the sender hears of it, and the telephone rings for what is urgent."""

from __future__ import annotations

import pytest

from contracts.decision import Decision
from tests.support.routing_play import HELP, Play

FACTS = {"found_in": "TH", "trafficking_status": "PossibleVictimOfTrafficking"}


def failed(priority: str) -> tuple[Play, Decision]:
    """A referral to a shelter that its machine would not take."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    sent = play.emit("IdentificationRequested", "NGO-H@TH", FACTS, seal=("F1", "F2"), priority=priority)
    to_shelter = next(one for one in sent.dispatches if one.address == "SHA@TH")
    play.hours += 1
    return play, play.emit("DeliveryFailed", None, dispatch_id=to_shelter.dispatch_id)


@pytest.mark.parametrize("priority", ["ROUTINE", "URGENT", "EMERGENCY"])
def test_the_sender_is_told_the_envelope_alone(priority: str) -> None:
    """Whoever sent it learns that it did not arrive, and no group travels with the news."""
    play, decision = failed(priority)
    told = [one for one in decision.dispatches if one.recipient == play.owner]
    assert [(one.event, one.groups) for one in told] == [("DeliveryFailed", {})]


@pytest.mark.parametrize(("priority", "rings"), [("ROUTINE", False), ("URGENT", True), ("EMERGENCY", True)])
def test_only_what_is_urgent_is_telephoned(priority: str, rings: bool) -> None:
    """A routine referral waits for the machine; an urgent one does not."""
    _, decision = failed(priority)
    assert any(one.via == "duty_phone" for one in decision.dispatches) is rings


def test_a_dispatch_that_is_not_hers_tells_nobody() -> None:
    """An unknown dispatch id changes nothing."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    assert play.emit("DeliveryFailed", None, dispatch_id=play.case).dispatches == ()

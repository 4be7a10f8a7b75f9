"""Clocks: set, met, warned, missed, reminded; answers and what they close."""

from __future__ import annotations

import pytest

from tests.support.routing_play import HELP, Play, cited, told

POSSIBLE = {"found_in": "TH", "citizenship": ["LA"], "residence_at_entry": "LA",
            "trafficking_status": "PossibleVictimOfTrafficking"}  # fmt: skip


def asked() -> Play:
    """An identification asked for, with consent."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    play.emit("IdentificationRequested", "NGO-H@TH", POSSIBLE, seal=("F1", "F2"))
    return play


def fired(decisions: list, event: str) -> list:  # type: ignore[type-arg]
    """What fired of one kind."""
    return [f for d in decisions for f in d.fired if f.event == event]


def test_the_team_is_warned_of_on_day_12_and_missed_on_day_15() -> None:
    """R08 warns the return focal point once, and says once that the day has passed."""
    play = asked()
    warned = fired(play.wait(24 * 12), "DeadlineWarned")
    assert [f.who for f in warned] == [(play.slug("RFP@TH"),)]
    rest = play.wait(24 * 3)
    missed = [f for f in fired(rest, "DeadlineMissed") if {r.id for r in f.rules} == {"R08"}]
    assert len(missed) == 1
    assert fired(play.wait(24 * 300), "DeadlineMissed") == []


def test_an_identification_in_time_meets_the_clock() -> None:
    """Neither warning nor miss follows."""
    play = asked()
    decision = play.emit("VictimIdentified", "IDA@TH", {"trafficking_status": "ActualVictimOfTrafficking"})
    assert decision.deadlines_met
    assert not [f for f in fired(play.wait(24 * 20), "DeadlineWarned") if "R08" in {r.id for r in f.rules}]


def test_an_answer_meets_its_clock_and_is_told_to_the_sender() -> None:
    """Accepting meets acknowledgement and decision of that dispatch; the sender sees the envelope."""
    play = asked()
    shelter = told(play.steps[-1].decision)["SHA@TH"]
    decision = play.answer("ReferralAccepted", "SHA@TH", shelter)
    assert told(decision)["NGO-H@TH"].purpose == "FEEDBACK"
    assert told(decision)["NGO-H@TH"].groups == {}
    assert len(decision.deadlines_met) == 2


def test_acknowledging_is_not_accepting() -> None:
    """The decision clock runs on."""
    play = asked()
    shelter = told(play.steps[-1].decision)["SHA@TH"]
    assert len(play.answer("ReferralAcknowledged", "SHA@TH", shelter).deadlines_met) == 1


def test_only_the_recipient_answers_and_a_reported_answer_is_marked() -> None:
    """Another agency cannot answer in its own name; it may enter what came by telephone."""
    play = asked()
    shelter = told(play.steps[-1].decision)["SHA@TH"]
    assert play.answer("ReferralAccepted", "MED@TH", shelter).outcome == "denied"
    by_phone = play.answer("ReferralAccepted", "NGO-H@TH", shelter, reported_how="phone")
    assert (by_phone.outcome, len(by_phone.deadlines_met)) == ("accepted", 2)


def test_an_emergency_unread_goes_to_the_duty_phone_and_tells_the_sender() -> None:
    """After four hours the duty number is called and the sender knows."""
    play = Play()
    facts = {"found_in": "TH", "detained": "immigration", "citizenship": ["LA"], "age": "child"}
    play.emit("DetentionReported", "NGO-H@TH", facts, seal=("F2",))
    decisions = play.wait(4)
    calls = [d for decision in decisions for d in decision.dispatches if d.via == "duty_phone"]
    assert [d.address for d in calls] == ["CPA@TH/duty"]
    assert any("NGO-H@TH" in told(d) for d in decisions)


def test_a_due_timer_of_a_met_deadline_finds_nothing() -> None:
    """A timer that was on its way while the answer came changes nothing."""
    play = asked()
    timer = play.steps[-1].timers[0]
    for role in ("IDA@TH", "SHA@TH", "LEG@TH"):
        play.answer("ReferralAccepted", role, told(play.steps[1].decision)[role])
    play.hours = (timer.at - play.now).total_seconds() / 3600
    decision = play.emit("DeadlineDue", None, timer_id=timer.timer_id)
    assert (decision.fired, decision.dispatches) == ((), ())


def test_clearance_names_everything_that_is_missing() -> None:
    """A request to leave is denied and lists what it lacks; it folds nothing (R50)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", POSSIBLE | {"trafficking_status": "ActualVictimOfTrafficking"},
              consent={**HELP, "purposes": ["RETURN"]})  # fmt: skip
    decision = play.emit("ReturnClearanceRequested", "RFP@TH", {"escort": "named"})
    assert decision.outcome == "denied"
    assert decision.denied[0].asks == ("risk_review", "ReceptionAccepted", "handover_point")
    again = play.emit("ReturnClearanceRequested", "RFP@TH")
    assert "escort" in again.denied[0].asks


def test_a_departure_without_clearance_is_recorded_and_escalates() -> None:
    """A reported fact is never refused (R50)."""
    play = Play()
    play.emit("CaseOpened", "NGO-H@TH", POSSIBLE)
    decision = play.emit("ReturnDeparted", "RFP@TH")
    assert decision.outcome == "accepted"
    assert "Escalated" in [f.event for f in decision.fired]


def test_an_event_that_reaches_nobody_opens_a_review() -> None:
    """No place is known, so no role can be found: a person is asked, nobody is guessed."""
    decision = Play().emit("IndicatorFound", "NGO-H@TH", {"citizenship": ["LA"]})
    assert decision.dispatches == ()
    assert [r.desk for r in decision.reviews] == [Play().slug("NGO-H@TH")]


def test_recalling_a_message_takes_it_back_from_all_who_got_it() -> None:
    """The sender recalls one dispatch: all of that event open nothing any more."""
    play = asked()
    sent = told(play.steps[-1].decision)
    decision = play.answer("MessageRecalled", "NGO-H@TH", sent["SHA@TH"])
    assert {r.dispatch_id for r in decision.regrants if r.recalled} == {d.dispatch_id for d in sent.values()}


def test_an_erased_subject_decides_nothing_more() -> None:
    """After erasure no timer is open and no event tells anybody."""
    play = asked()
    assert play.emit("SubjectErased", None).erase_groups == ("F1", "F2")
    assert play.steps[-1].timers == ()
    assert play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE).dispatches == ()


def test_a_count_without_a_person_needs_no_consent_and_sets_no_clock() -> None:
    """A campaign is told to statistics and local NGOs of the sender's country, as an envelope alone."""
    decision = Play(owner="WCH@KH").emit("CampaignHeld", "WCH@KH")
    assert {"REG@KH", "NGO-H@KH", "NGO-O@KH"} == set(told(decision))
    assert {d.purpose for d in decision.dispatches} == {"STATISTICS"}
    assert decision.deadlines == ()


def test_what_one_recipient_says_of_a_recall_takes_nothing_from_the_others() -> None:
    """Its answer concerns its own dispatch; whoever sent it is told what became of it."""
    play = asked()
    sent = told(play.steps[-1].decision)
    decision = play.answer("MessageRecalled", "SHA@TH", sent["SHA@TH"], code="deleted")
    assert [r.dispatch_id for r in decision.regrants] == [sent["SHA@TH"].dispatch_id]
    assert told(decision)["NGO-H@TH"].purpose == "FEEDBACK"


def test_recalling_without_naming_a_dispatch_takes_back_what_was_sent_to_those_named() -> None:
    """Nothing of the sender's to the shelter opens any more, and nobody is told anything new by it."""
    play = asked()
    sent = told(play.steps[-1].decision)
    decision = play.emit("MessageRecalled", "NGO-H@TH", to=("SHA@TH",))
    assert {r.dispatch_id for r in decision.regrants if r.recalled} == {sent["SHA@TH"].dispatch_id}
    assert {d.event: d.groups for d in decision.dispatches} == {"MessageRecalled": {}}


def test_a_review_that_nobody_answered_decides_nothing() -> None:
    """The name of the event alone releases nothing and stops no case."""
    assert asked().emit("ReviewResolved", "SHA@TH").outcome == "denied"


def test_a_freeze_stops_routes_until_it_is_lifted_and_recalls_from_the_origin() -> None:
    """Frozen: identification waits, care does not; what the focal point had is taken back (R26)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", POSSIBLE, consent={**HELP, "to": ["any@TH", "RFP@LA"]})
    play.emit("ReferralSent", "NGO-H@TH", to=("RFP@LA",), purpose="LEGAL", seal=("F1",))
    frozen = play.emit("ProtectionFreezeSet", "NGO-H@TH")
    assert [r.recalled for r in frozen.regrants if not r.groups]
    decision = play.emit("IdentificationAppealed", "NGO-H@TH")
    assert "IDA@TH" not in told(decision)
    assert "SHA@TH" in told(decision)
    lifted = play.emit("RiskReviewed", "SHA@TH", {"frozen": False})
    assert "IDA@TH" in told(lifted)
    assert "RFP@LA" not in told(lifted)


@pytest.mark.parametrize("answered", [True, False])
def test_a_question_with_a_term_escalates_unless_it_is_answered(answered: bool) -> None:
    """R03: telling without consent because life was in danger is looked at within a day, or its owner is paged."""
    play = Play()
    danger = {"found_in": "TH", "life_in_danger": True}
    (review,) = play.emit("PersonRemovedFromHarm", "NGO-H@TH", danger, seal=("F2", "F12")).reviews
    if answered:
        play.review("refuse", review.desk_address, review.review_id)
    fired = [one for decision in play.wait(25) for one in decision.fired if one.of == review.event_id]
    assert ("Escalated" in [one.event for one in fired if "R03" in cited(one)]) is not answered

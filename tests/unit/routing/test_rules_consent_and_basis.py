"""Rules on consent and on what may pass without it: an example on each side."""

from __future__ import annotations

import pytest

from tests.support.routing_play import HELP, Play, cited, told

POSSIBLE = {"found_in": "TH", "citizenship": ["LA"], "residence_at_entry": "LA",
            "trafficking_status": "PossibleVictimOfTrafficking"}  # fmt: skip
CHILD = {**POSSIBLE, "child_until": "2031-01-01"}


def test_without_consent_everybody_waits_for_it() -> None:
    """No role is told before she consents; each waits, and R01 says for what (R01, R07)."""
    play = Play()
    decision = play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2"))
    assert decision.dispatches == ()
    held = {h.address: h for h in decision.held}
    assert held["SHA@TH"].asks == ("consent",)
    assert {"R01", "R07"} <= {ref.id for ref in held["SHA@TH"].rules}


def test_consent_releases_what_waited_under_its_own_name() -> None:
    """A held event keeps its name on release and is dated by it; nobody is told twice."""
    play = Play()
    first = play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2"))
    play.wait(5)
    decision = play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    assert told(decision)["LEG@TH"].event == "IndicatorFound"
    assert told(decision)["LEG@TH"].dated == play.now
    assert first.event_id in decision.released
    recipients = [d.recipient for d in decision.dispatches if d.event_id == first.event_id]
    assert len(recipients) == len(set(recipients))


def test_a_dispatch_carries_what_purpose_and_consent_share() -> None:
    """Shelter gets whereabouts and needs; not the trafficking facts she also agreed to share (R04)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    decision = play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2", "F3", "F5", "F12"))
    assert set(told(decision)["SHA@TH"].groups) == {"F1", "F2", "F12"}
    assert set(told(decision)["IDA@TH"].groups) == {"F1", "F2", "F5"}


def test_an_expired_consent_carries_nothing() -> None:
    """After its end a consent is as if never given; one hour before, it still holds (R01)."""
    for hours, reached in ((24 * 90 - 1, True), (24 * 90, False)):
        play = Play()
        play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
        play.hours = hours
        decision = play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1",))
        assert ("SHA@TH" in told(decision)) is reached


def test_consent_to_help_is_not_consent_to_the_police() -> None:
    """The police wait for their own consent although help was agreed to (R05, R59)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    decision = play.emit("ReferralSent", "NGO-H@TH", POSSIBLE, seal=("F1",), to=("LEA@TH",))
    assert "LEA@TH" not in told(decision)
    assert {"R05", "R59"} <= cited(decision)


def test_any_country_in_a_consent_never_means_a_foreign_mission() -> None:
    """any@TH covers Thai agencies; the Lao mission in Thailand needs to be named."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent={**HELP, "purposes": ["CONSULAR"]})
    decision = play.emit("ReferralSent", "NGO-H@TH", POSSIBLE, to=("CON.LA@TH",))
    assert decision.dispatches == ()
    assert decision.held[0].asks == ("consent",)


@pytest.mark.parametrize("source", ["cousin", "guardian"])
def test_who_may_consent_for_a_child(source: str) -> None:
    """A companion cannot (R31); a guardian can once appointed, with the child's assent (R30)."""
    play = Play()
    play.emit("PersonIntercepted", "IMM@TH", {**CHILD, "family_suspected": True, "stage": "transit"})
    play.emit("GuardianAppointed", "CPA@TH")
    decision = play.emit("ConsentGiven", "CPA@TH", consent={**HELP, "from": source, "assent": True})
    assert decision.outcome == ("accepted" if source == "guardian" else "denied")
    if source == "cousin":
        assert "R31" in cited(decision)


def test_a_guardians_consent_waits_for_the_appointment() -> None:
    """It is held until GuardianAppointed, then folds (R30)."""
    play = Play()
    play.emit("PersonIntercepted", "IMM@TH", {**CHILD, "stage": "transit"})
    held = play.emit("ConsentGiven", "CPA@TH", consent={**HELP, "from": "guardian", "assent": True})
    assert (held.outcome, held.held[0].asks) == ("held", ("guardian",))
    decision = play.emit("GuardianAppointed", "CPA@TH")
    assert held.event_id in decision.released
    assert "SHA@TH" in told(decision)


def test_life_in_danger_opens_care_on_the_spot_and_nothing_more() -> None:
    """Shelter is told without consent, envelope, whereabouts and needs only; a person reviews within 24 h (R03)."""
    play = Play()
    danger = {**POSSIBLE, "life_in_danger": True}
    decision = play.emit("IndicatorFound", "NGO-H@TH", danger, seal=("F1", "F2", "F5", "F12"))
    shelter = told(decision)["SHA@TH"]
    assert (shelter.basis, shelter.purpose, set(shelter.groups)) == ("vital_interest", "EMERGENCY", {"F2", "F12"})
    assert "LEG@TH" not in told(decision)
    assert (decision.reviews[0].due_at - play.now).total_seconds() == 24 * 3600  # type: ignore[operator]


def test_withdrawal_recalls_and_tells_past_recipients_of_that_purpose_alone() -> None:
    """Shelter is told of the withdrawal without a reason and may open nothing; identification keeps its own (R02)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    first = told(play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2")))
    decision = play.emit("ConsentWithdrawn", "NGO-H@TH", consent={**HELP, "purposes": ["SHELTER"]})
    assert {r.dispatch_id: r.recalled for r in decision.regrants} == {first["SHA@TH"].dispatch_id: True}
    assert told(decision)["SHA@TH"].groups == {}
    assert set(told(decision)) == {"SHA@TH"}
    assert "R02" in cited(decision)


def test_narrowing_takes_groups_from_what_was_sent() -> None:
    """What remains is what both the dispatch and the narrower consent allow."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    first = told(play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2", "F12")))
    decision = play.emit("ConsentNarrowed", "NGO-H@TH", consent={**HELP, "groups": ["F0", "F1"]})
    left = {r.dispatch_id: set(r.groups) for r in decision.regrants}
    assert left[first["SHA@TH"].dispatch_id] == {"F1"}
    assert not any(r.recalled for r in decision.regrants)


def test_narrowing_to_one_recipient_takes_from_the_others() -> None:
    """When only shelter remains named, identification may open nothing any more."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
    first = told(play.emit("IndicatorFound", "NGO-H@TH", POSSIBLE, seal=("F1", "F2")))
    decision = play.emit("ConsentNarrowed", "NGO-H@TH", consent={**HELP, "to": ["SHA@TH"]})
    recalled = {r.dispatch_id for r in decision.regrants if r.recalled}
    assert recalled == {first["IDA@TH"].dispatch_id, first["LEG@TH"].dispatch_id}


def test_child_duty_binds_agencies_of_the_place_only() -> None:
    """A Lao body cannot tell the Thai child desk without consent, though the child is in Thailand (R61)."""
    for emitter, reached in (("NGO-H@TH", True), ("RFP@LA", False)):
        decision = Play().emit("ReferralSent", emitter, CHILD, to=("CPA@TH",), seal=("F1",))
        assert ("CPA@TH" in told(decision)) is reached


def test_a_withheld_group_stays_although_she_consented_to_it() -> None:
    """The NGO at home gets the legal case alone: identity and trafficking facts are withheld (R46)."""
    play = Play()
    facts = {**POSSIBLE, "proceedings": "awarded_unpaid", "lands_in": "LA"}
    link = {"purposes": ["LEGAL"], "to": ["NGO-O@LA"], "groups": ["F1", "F5", "F8"], "until": "3y"}
    play.emit("CompensationAwarded", "LEG@TH", facts, seal=("F1", "F5", "F8"))
    play.emit("ConsentGiven", "NGO-H@TH", consent=link)
    decision = play.emit("ReturnDeparted", "RFP@TH")
    assert set(told(decision)["NGO-O@LA"].groups) == {"F8"}

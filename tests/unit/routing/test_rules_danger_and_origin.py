"""Rules that keep the origin side from learning: objection, asylum, consulates, statelessness."""

from __future__ import annotations

from contracts.facts import Facts
from tests.support.routing_play import HELP, Play, cited, told

FOUND = {"found_in": "TH", "stage": "destination", "citizenship": ["LA"], "residence_at_entry": "LA"}
ACTUAL = {**FOUND, "trafficking_status": "ActualVictimOfTrafficking"}
NOTICE = {"purposes": ["NOTIFY_ORIGIN", "CONSULAR"], "to": ["RFP@LA", "CON.LA@TH"], "groups": ["F0", "F1", "F3"],
          "until": "90d"}  # fmt: skip


def notified() -> Play:
    """A woman of whom the origin's focal point was told with her consent."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", FOUND, consent=NOTICE)
    play.emit("NotificationAsked", "NGO-H@TH", {"notify_origin": "no_objection"})
    decision = play.emit("VictimIdentified", "IDA@TH", ACTUAL, seal=("F3", "age_group"))
    assert set(told(decision)["RFP@LA"].groups) == {"F3"}
    assert set(told(decision)["RFP@LA"].items) == {"age_group"}
    return play


def test_notice_waits_until_she_was_asked() -> None:
    """Identified but not asked: the focal point waits for her word (R21)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", FOUND, consent=NOTICE)
    decision = play.emit("VictimIdentified", "IDA@TH", ACTUAL, seal=("F3",))
    held = next(h for h in decision.held if h.address == "RFP@LA")
    assert held.asks == ("notify_origin",)
    assert "R21" in cited(held)


def test_objection_denies_the_whole_side_even_with_consents() -> None:
    """Any deny wins: consent to the mission does not outlive an objection (R22)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", FOUND, consent=NOTICE)
    objected = play.emit("NotificationObjected", "NGO-H@TH")
    assert any(d.address == "any@LA" and "R22" in cited(d) for d in objected.denied)
    decision = play.emit("ReferralSent", "NGO-H@TH", to=("CON.LA@TH",), purpose="CONSULAR", seal=("F1",))
    assert decision.dispatches == ()
    assert any(d.address == "CON.LA@TH" for d in decision.denied)


def test_objection_before_any_notice_tells_the_origin_nothing() -> None:
    """Nobody of the origin side hears of an objection where nothing went before (R22 hidden)."""
    play = Play()
    decision = play.emit("NotificationObjected", "NGO-H@TH", FOUND)
    assert decision.dispatches == ()


def test_fear_after_notice_recalls_without_a_reason() -> None:
    """The focal point sees a recall, never the word asylum; its dispatch opens nothing (R25, R26)."""
    play = notified()
    decision = play.emit("NeedsAssessed", "SHA@TH", {"asylum": "fear"})
    assert [r.recalled for r in decision.regrants] == [True]
    assert told(decision)["RFP@LA"].event == "MessageRecalled"
    assert {"R25", "R26"} <= cited(decision)


def test_asylum_bodies_need_her_consent_for_asylum() -> None:
    """UNHCR, lawyer and screening mechanism wait; with consent they alone get the claim (R25)."""
    play = Play()
    waiting = play.emit("AsylumClaimRaised", "NGO-H@TH", FOUND, seal=("F1", "F9"))
    assert {"UNHCR@TH", "LEG@TH", "NSM@TH"} <= {h.address for h in waiting.held}
    decision = play.emit("ConsentGiven", "NGO-H@TH", consent={**HELP, "purposes": ["ASYLUM"],
                         "to": ["UNHCR@TH", "LEG@TH", "NSM@TH"], "groups": ["F1", "F9"]})  # fmt: skip
    assert {a for a, d in told(decision).items() if "F9" in d.groups} == {"UNHCR@TH", "LEG@TH", "NSM@TH"}


def test_a_detained_foreigner_is_told_of_the_right_and_a_national_is_not() -> None:
    """The clock runs against the detaining authority for foreigners alone (R23)."""
    for citizenship, runs in (("LA", True), ("TH", False)):
        play = Play()
        decision = play.emit("DetentionReported", "NGO-H@TH",
                             {"found_in": "TH", "citizenship": [citizenship], "detained": "police"})  # fmt: skip
        due = [d for d in decision.deadlines if "ConsularRightInformed" in d.awaits_events]
        assert bool(due) is runs


def test_the_consulate_of_a_detained_person_hears_only_when_asked_for() -> None:
    """Asking makes the statutory route true, and it leaves as ReferralSent (R23)."""
    play = Play()
    before = play.emit("DetentionReported", "NGO-H@TH", {**FOUND, "detained": "police"}, seal=("F1",))
    assert "CON.LA@TH" not in told(before)
    decision = play.emit("ConsularContactRequested", "NGO-H@TH")
    assert (told(decision)["CON.LA@TH"].event, told(decision)["CON.LA@TH"].basis) == ("ReferralSent", "statute")


def test_no_consulate_for_a_stateless_woman() -> None:
    """Even named in the event, no mission is told of a stateless person (R27)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", {"citizenship": "stateless", "found_in": "TH"}, consent=NOTICE)
    decision = play.emit("ReferralSent", "NGO-H@TH", to=("CON.LA@TH",), purpose="CONSULAR")
    assert decision.dispatches == ()
    assert "R27" in cited(decision)


def test_ethnicity_is_not_among_the_facts() -> None:
    """No rule can read it, because no record can state it to the router (R28)."""
    assert "ethnicity" not in Facts.model_fields


def test_a_fact_that_only_an_absent_rule_reads_holds_and_asks_a_person() -> None:
    """Declining help outside a transit stop is for a person to judge: routes wait, a review opens, a release frees."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", FOUND, consent=HELP)
    facts = {"trafficking_status": "PossibleVictimOfTrafficking", "declined": True}
    decision = play.emit("IndicatorFound", "NGO-H@TH", facts, seal=("F2",))
    assert told(decision) == {}
    assert [r.asks for r in decision.reviews] == [("review",)]
    refused = play.review("release", "LEG@TH", decision.reviews[0].review_id)
    assert refused.outcome == "denied"
    alone = play.review("release", "NGO-H@TH", decision.reviews[0].review_id)
    assert alone.outcome == "denied"
    released = play.review("release", "NGO-H@TH", decision.reviews[0].review_id, second="SHA@TH")
    assert "SHA@TH" in told(released)


def test_a_planned_rescue_is_known_to_those_named_alone() -> None:
    """The police unit in ``to`` may prepare; shelter waits until she is out of harm (R62)."""
    play = Play()
    play.emit("ConsentGiven", "NGO-H@TH", FOUND, consent=HELP)
    decision = play.emit("RescuePlanned", "NGO-H@TH", to=("LEA@TH",), seal=("F2", "F5"))
    assert (told(decision)["LEA@TH"].purpose, set(told(decision)["LEA@TH"].groups)) == ("RESCUE", {"F2", "F5"})
    assert set(told(decision)) == {"LEA@TH"}
    assert all("PersonRemovedFromHarm" in h.asks for h in decision.held)


def test_the_origin_may_not_ask_to_identify_again() -> None:
    """A request by the origin's focal point is denied; the host's own is not (R20)."""
    for emitter, outcome in (("RFP@LA", "denied"), ("RFP@TH", "accepted")):
        play = Play()
        play.emit("ConsentGiven", "NGO-H@TH", FOUND, consent=HELP)
        play.emit("VictimIdentified", "IDA@TH", ACTUAL)
        assert play.emit("IdentificationRequested", emitter).outcome == outcome

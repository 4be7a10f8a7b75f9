"""What waited and is released is as old as the day it was said: what was taken back since stays taken back."""

from __future__ import annotations

from typing import Any

from tests.support.routing_play import Play, told

SEALED = ("F1", "F2", "F3", "F5", "F12", "F13")


def consent(purposes: list[str], to: list[str], **more: Any) -> dict[str, Any]:
    return {"purposes": purposes, "to": to, "groups": ["F0", "F1", "F3", "F12"], "until": "1y", **more}


GUARDIANS = {"from": "guardian", "assent": True}


def child(**facts: Any) -> Play:
    """A child whose guardian is not appointed yet."""
    play = Play()
    play.emit("CaseOpened", "NGO-H@TH", {"found_in": "TH", "age": 15, **facts}, seal=SEALED)
    return play


def test_a_consent_taken_back_while_it_waited_is_no_consent() -> None:
    """A guardian's consent waits, she withdraws, the guardian is appointed: the shelter is told nothing."""
    play = child(citizenship=["LA"])
    given = play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["SHELTER"], ["SHA@TH"], **GUARDIANS))
    assert given.outcome == "held"
    play.emit("ConsentWithdrawn", "NGO-H@TH")
    assert play.emit("GuardianAppointed", "CPA@TH").released
    assert "SHA@TH" not in told(play.emit("ShelterRequested", "NGO-H@TH", to=("SHA@TH",)))


def test_a_consent_narrowed_while_it_waited_is_that_narrow() -> None:
    """Narrowed to one group meanwhile, that group is what the shelter gets."""
    play = child(citizenship=["LA"])
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["SHELTER"], ["SHA@TH"], **GUARDIANS))
    less = consent(["SHELTER"], ["SHA@TH"], **GUARDIANS) | {"groups": ["F0", "F12"]}
    play.emit("ConsentNarrowed", "NGO-H@TH", consent=less)
    play.emit("GuardianAppointed", "CPA@TH")
    shelter = told(play.emit("ShelterRequested", "NGO-H@TH", to=("SHA@TH",)))["SHA@TH"]
    assert set(shelter.groups) == {"F12"}


def test_a_consent_from_before_the_risk_review_is_not_fresh_when_released_after_it() -> None:
    """R16 asks afresh: a guardian's consent that waited through the risk review is an older one."""
    play = child(citizenship=["MM"], best_interests=True)
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["TRACE"], ["RFP@MM"], **GUARDIANS))
    play.emit("RiskReviewed", "NGO-H@TH")
    play.emit("GuardianAppointed", "CPA@TH")
    assert "RFP@MM" not in told(play.emit("FamilyTracingRequested", "NGO-H@TH", to=("RFP@MM",)))
    again = play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["TRACE"], ["RFP@MM"], **GUARDIANS))
    assert "RFP@MM" in told(again)


def test_an_objection_outlives_an_older_word_that_waited() -> None:
    """A plan that said she does not object waits; she objects; its release tells nobody of her origin."""
    play = Play()
    possible = {"found_in": "TH", "citizenship": ["LA"], "trafficking_status": "PossibleVictimOfTrafficking"}
    play.emit("CaseOpened", "NGO-H@TH", possible, seal=SEALED)
    scope = consent(["NOTIFY_ORIGIN", "RETURN", "RECEPTION"], ["any@LA", "any@TH"])
    play.emit("ConsentGiven", "NGO-H@TH", consent=scope)
    assert play.emit("ReturnPlanProposed", "NGO-H@TH", {"notify_origin": "no_objection"}).outcome == "held"
    play.emit("NotificationObjected", "NGO-H@TH")
    released = play.emit("VictimIdentified", "IDA@TH")
    assert released.released
    assert told(released)
    assert not [address for address in told(released) if address.endswith("@LA")]


def test_a_newer_sealed_group_outlives_an_older_one_that_waited() -> None:
    """A plan with an address waits; a newer address is sealed; after the release the newer one is granted."""
    play = Play()
    possible = {"found_in": "TH", "citizenship": ["LA"], "trafficking_status": "PossibleVictimOfTrafficking"}
    play.emit("CaseOpened", "NGO-H@TH", possible)
    scope = consent(["RETURN"], ["RFP@TH"]) | {"groups": ["F0", "F1"]}
    play.emit("ConsentGiven", "NGO-H@TH", consent=scope)
    play.emit("ReturnPlanProposed", "NGO-H@TH", seal=("F1",))
    play.emit("NeedsAssessed", "NGO-H@TH", seal=("F1",))
    newest = play.records[-1].slots["F1"]
    assert told(play.emit("VictimIdentified", "IDA@TH"))["RFP@TH"].groups["F1"] == newest


def test_a_consent_on_another_event_counts_as_one_given_beside_it() -> None:
    """On a request too a child's own consent is none; a grown person's is."""
    for age, reached in ((15, False), (30, True)):
        play = Play()
        play.emit("CaseOpened", "NGO-H@TH", {"found_in": "TH", "age": age, "citizenship": ["LA"]}, seal=SEALED)
        asked = play.emit("ShelterRequested", "NGO-H@TH", to=("SHA@TH",), consent=consent(["SHELTER"], ["SHA@TH"]))
        assert ("SHA@TH" in told(asked)) is reached
        assert [one.asks for one in asked.denied if one.event == "ConsentGiven"] == (
            [] if reached else [("guardian", "assent")]
        )


def test_a_consent_on_a_request_that_waits_is_not_given_again_at_its_release() -> None:
    """The request waits for a thaw; she withdraws; the thaw releases nothing."""
    play = Play()
    play.emit("CaseOpened", "NGO-H@TH", {"found_in": "TH", "citizenship": ["LA"], "frozen": True}, seal=SEALED)
    play.emit("FamilyTracingRequested", "NGO-H@TH", to=("RFP@TH",), consent=consent(["TRACE"], ["any@TH"]))
    play.emit("ConsentWithdrawn", "NGO-H@TH")
    assert "RFP@TH" not in told(play.emit("NeedsAssessed", "NGO-H@TH", {"frozen": False}))


def test_her_own_consent_counts_no_longer_once_she_is_known_to_be_a_child() -> None:
    """It told the shelter while she was thought grown up; after a correction it carries nothing new."""
    play = Play()
    play.emit("CaseOpened", "NGO-H@TH", {"found_in": "TH", "citizenship": ["LA"]}, seal=SEALED)
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["SHELTER", "RETURN"], ["any@TH"]))
    play.emit("SubjectCorrected", "NGO-H@TH", {"age": 15})
    asked = play.emit("ShelterRequested", "NGO-H@TH", to=("SHA@TH",))
    assert "SHA@TH" not in told(asked)
    assert "SHA@TH" in [one.address for one in asked.held]


def test_one_question_answered_answers_no_other() -> None:
    """A lawyer who releases the transfer file does not stand in for the child desk's best interests."""
    play = Play(owner="NGO-H@VN")
    facts = {"found_in": "VN", "age": 15, "citizenship": ["TH"], "guardian": True}
    play.emit("CaseOpened", "NGO-H@VN", facts, seal=SEALED)
    play.emit("ConsentGiven", "NGO-H@VN", consent=consent(["TRACE"], ["RFP@TH"], **GUARDIANS))
    asked = play.emit("FamilyTracingRequested", "NGO-H@VN", to=("RFP@TH",))
    (review,) = [one for one in asked.reviews if "transfer_file" in one.asks]
    answered = play.review("release", "LEG@VN", review.review_id)
    assert answered.outcome == "accepted"
    assert not told(answered)
    assert "RFP@TH" in told(play.emit("BestInterestsAssessed", "CPA@VN"))

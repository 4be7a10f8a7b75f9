"""Denials follow her origin, whatever else she is; what is abroad follows the data, whoever speaks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.routing_play import Play, told

SEALED = ("F1", "F2", "F3", "F5", "F12", "F13")


def consent(purposes: list[str], to: list[str], **more: Any) -> dict[str, Any]:
    return {"purposes": purposes, "to": to, "groups": ["F0", "F1", "F3", "F5", "F12"], "until": "1y", **more}


def found(owner: str = "NGO-H@TH", **facts: Any) -> Play:
    play = Play(owner=owner)
    play.emit("CaseOpened", owner, {"found_in": owner[-2:], **facts}, seal=SEALED)
    return play


@pytest.mark.parametrize("also", [{"residence_at_entry": "TH"}, {"citizenship": ["LA", "TH"]}])
@pytest.mark.parametrize(
    ("event", "facts"),
    [
        ("NotificationObjected", {}),
        ("AsylumClaimRaised", {}),
        ("ProtectionFreezeSet", {"asylum": "claimed"}),
    ],
)
def test_who_is_also_at_home_where_she_was_found_is_protected_from_her_other_state(
    also: dict[str, Any], event: str, facts: dict[str, Any]
) -> None:
    """A resident or national of the host state too: her state of origin is denied, and the host is not."""
    play = found(**{"citizenship": ["LA"], **also})
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["TRACE", "LEGAL"], ["RFP@LA", "LEG@TH"]))
    play.emit(event, "NGO-H@TH", facts)
    traced = play.emit("FamilyTracingRequested", "NGO-H@TH", to=("RFP@LA",))
    assert "RFP@LA" not in told(traced)
    assert "RFP@LA" in [one.address for one in traced.denied]
    assert "LEG@TH" in told(play.emit("ReferralSent", "NGO-H@TH", to=("LEG@TH",)))


@pytest.mark.parametrize(
    ("event", "to"),
    [
        ("NotificationObjected", "RFP@LA"),
        ("NotificationObjected", "CON.LA@TH"),
        ("NotificationObjected", "NGO-O@LA"),
        ("AsylumClaimRaised", "RFP@LA"),
        ("AsylumClaimRaised", "CON.LA@TH"),
        ("AsylumClaimRaised", "IDA@LA"),
    ],
)
def test_before_her_nationality_is_stated_nobody_who_may_be_of_her_state_is_told(event: str, to: str) -> None:
    """Whom an objection or a claim denies is not known yet: it waits, and no desk can release that."""
    play = found()
    purposes = ["TRACE", "CONSULAR", "FOLLOW_UP", "IDENTIFY"]
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(purposes, [to]))
    play.emit(event, "NGO-H@TH")
    for purpose in purposes:
        sent = play.emit("ReferralSent", "NGO-H@TH", to=(to,), purpose=purpose)
        assert to not in told(sent)
        assert [one.asks for one in sent.held if one.address == to] == [("citizenship",)]


def test_an_opposition_to_consulates_holds_all_of_them_until_her_state_is_known() -> None:
    """Then hers stays denied, and another's is told."""
    play = found(consular="opposes")
    both = ["CON.LA@TH", "CON.VN@TH"]
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["CONSULAR"], both))
    assert not told(play.emit("ReferralSent", "NGO-H@TH", to=tuple(both), purpose="CONSULAR"))
    assert list(told(play.emit("SubjectCorrected", "NGO-H@TH", {"citizenship": ["LA"]}))) == ["CON.VN@TH"]


def test_a_corrected_origin_recalls_what_the_objection_now_denies() -> None:
    """Told by consent before she objected, and of her own state as it turns out afterwards: it is taken back."""
    play = found(claims_citizenship=["KH"])
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["TRACE"], ["RFP@VN"]))
    dispatch = told(play.emit("FamilyTracingRequested", "NGO-H@TH", to=("RFP@VN",)))["RFP@VN"]
    assert not play.emit("NotificationObjected", "NGO-H@TH").regrants
    (taken,) = play.emit("SubjectCorrected", "NGO-H@TH", {"citizenship": ["VN"]}).regrants
    assert (taken.dispatch_id, taken.recalled) == (dispatch.dispatch_id, True)


@pytest.mark.parametrize("facts", [{"citizenship": ["MM"]}, {"citizenship": ["LA"], "notify_origin": "not_asked"}])
def test_a_departure_pages_no_agency_of_her_state_that_knew_nothing(facts: dict[str, Any]) -> None:
    """Nobody there was ever told of her: an escalation is no way round that."""
    departed = found(**facts).emit("ReturnDeparted", "NGO-H@TH")
    assert departed.fired
    assert set(told(departed)) == {"RFP@TH"}


def test_notice_out_of_vietnam_waits_for_the_transfer_file_whoever_speaks_next() -> None:
    """R57: what was sealed in Vietnam does not leave because an NGO in Thailand reports something."""
    play = found("NGO-H@VN", citizenship=["TH"], notify_origin="no_objection")
    play.emit("ConsentGiven", "NGO-H@VN", consent=consent(["NOTIFY_ORIGIN"], ["RFP@TH"]))
    play.emit("IdentificationRecognised", "NGO-H@VN")
    assert "RFP@TH" not in told(play.emit("NeedsAssessed", "NGO-O@TH"))
    assert "RFP@TH" in told(play.emit("TransferBasisRecorded", "LEG@VN"))


@pytest.mark.parametrize("by", ["NGO-H@TH", None])
def test_an_unverified_report_goes_to_no_desk_abroad_whoever_speaks_next(by: str | None) -> None:
    """R55, R61: a watchdog's report about a child said to be in Thailand stays in Cambodia until it is verified."""
    play = Play(owner="WCH@KH")
    missing = {"age": 16, "citizenship": ["KH"], "last_seen_in": "TH"}
    play.emit("MissingPersonReported", "WCH@KH", missing, seal=("F1", "F2", "F4"))
    assert "CPA@TH" not in told(play.emit("NeedsAssessed", by))


def test_a_child_goes_to_no_reception_before_best_interests_by_whatever_route() -> None:
    """R30: a condition route of another rule (R18) waits like a plan does."""
    play = found("NGO-H@MY", citizenship=["ID"], age=15, guardian=True)
    both = consent(["RETURN", "RECEPTION"], ["any@ID"], **{"from": "guardian", "assent": True})
    play.emit("ConsentGiven", "NGO-H@MY", consent=both)
    assert "RCA@ID" not in told(play.emit("NeedsAssessed", "NGO-H@MY"))
    assert "RCA@ID" in told(play.emit("BestInterestsAssessed", "CPA@MY"))


@pytest.mark.parametrize("purpose", ["CONSULAR", "IDENTIFY"])
def test_the_philippine_council_sees_the_envelope_alone(purpose: str) -> None:
    """R19: for whatever purpose she agreed to, no sealed group goes there from abroad."""
    play = found("NGO-H@SG", citizenship=["PH"])
    play.emit("ConsentGiven", "NGO-H@SG", consent=consent([purpose], ["IDA@PH"]))
    sent = told(play.emit("ReferralSent", "NGO-H@SG", to=("IDA@PH",), purpose=purpose))
    given = told(play.steps[1].decision)
    assert {**given, **sent}["IDA@PH"].groups == {}


def test_a_state_body_of_myanmar_waits_for_the_risk_whatever_her_papers_say() -> None:
    """R16: a stateless woman who came from there is protected like its citizen."""
    play = found(citizenship="stateless", came_from="MM")
    play.emit("ConsentGiven", "NGO-H@TH", consent=consent(["TRACE"], ["RFP@MM"]))
    asked = play.emit("FamilyTracingRequested", "NGO-H@TH", to=("RFP@MM",))
    assert {ask for one in asked.held if one.address == "RFP@MM" for ask in one.asks} == {"risk_review", "consent"}

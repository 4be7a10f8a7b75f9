"""Rules on children, babies, watchdog reports, care and law."""

from __future__ import annotations

from routing.state import facts_of
from tests.support.routing_play import HELP, Play, cited, told

CHILD = {"found_in": "TH", "citizenship": ["LA"], "residence_at_entry": "LA", "child_until": "2031-01-01",
         "trafficking_status": "PossibleVictimOfTrafficking"}  # fmt: skip
REPORT = {"last_seen_in": "KH", "perhaps_in": "TH", "age": 17, "citizenship": ["KH"]}


def test_a_child_reaches_child_protection_without_consent_and_no_police() -> None:
    """Child duty covers CPA, IDA and TCC where the child is, for PROTECT_CHILD; not the police (R30, R61)."""
    play = Play()
    decision = play.emit("IndicatorFound", "NGO-H@TH", CHILD, seal=("F1", "F2", "F5"), to=("LEA@TH",))
    desk = told(decision)["CPA@TH"]
    assert (desk.basis, desk.purpose, set(desk.groups)) == ("child_duty", "PROTECT_CHILD", {"F1", "F2"})
    assert "LEA@TH" not in told(decision)


def test_an_age_in_doubt_is_a_child_and_an_adult_is_not() -> None:
    """Minority is presumed in doubt (R30)."""
    for age, is_child in (("in_doubt", True), ("adult", False)):
        facts = {**CHILD, "child_until": None, "age": age}
        assert ("CPA@TH" in told(Play().emit("IndicatorFound", "NGO-H@TH", facts))) is is_child


def test_child_duty_does_not_cross_a_border() -> None:
    """A Thai NGO cannot tell the Lao child desk on child duty alone (R61)."""
    decision = Play().emit("ReferralSent", "NGO-H@TH", CHILD, to=("CPA@LA",), seal=("F1",))
    assert "CPA@LA" not in told(decision)


def test_a_birthday_ends_childhood_in_the_owners_zone() -> None:
    """A child until the day, an adult from it: on 30 December the desk is told, in January no more (dated facts)."""
    for hours, is_child in ((0, True), (24 * 400, False)):
        play = Play()
        play.hours = hours
        decision = play.emit("IndicatorFound", "NGO-H@TH", {**CHILD, "child_until": "2026-12-31"})
        assert ("CPA@TH" in told(decision)) is is_child


def test_stated_age_turns_eighteen_on_the_day_of_the_record() -> None:
    """``age: 17`` becomes a date one year on, not a fixed child."""
    play = Play(owner="WCH@KH")
    play.emit("MissingPersonReported", "WCH@KH", REPORT)
    assert play.state is not None
    assert facts_of(play.state)["child_until"] == "2027-03-02"


def test_a_watchdogs_report_stays_in_the_country_and_is_erased_when_unsupported() -> None:
    """Only the child desk hears; after 90 days without verification every group goes (R55)."""
    play = Play(owner="WCH@KH")
    decision = play.emit("MissingPersonReported", "WCH@KH", REPORT, seal=("F1", "F4"))
    assert set(told(decision)) == {"CPA@KH"}
    assert [d.erase_groups for d in play.wait(24 * 89) if d.erase_groups] == []
    assert [d.erase_groups for d in play.wait(48) if d.erase_groups] == [("F1", "F4")]


def test_a_verified_report_is_not_erased() -> None:
    """Verification meets the clock (R55)."""
    play = Play(owner="WCH@KH")
    play.emit("MissingPersonReported", "WCH@KH", REPORT, seal=("F1", "F4"))
    play.emit("ConcernVerified", "CPA@KH")
    assert not any(d.erase_groups for d in play.wait(24 * 100))


def test_the_child_desk_alone_agrees_to_an_enquiry_abroad() -> None:
    """The owner of the case cannot release what waits for the desk; the desk can (R30)."""
    play = Play(owner="WCH@KH")
    play.emit("MissingPersonReported", "WCH@KH", REPORT, seal=("F1", "F4"))
    early = play.emit("CrossBorderEnquiryMade", "CPA@KH", to=("CPA@TH",))
    assert (early.outcome, early.denied[-1].asks) == ("denied", ("ConcernVerified",))
    play.emit("ConcernVerified", "CPA@KH")
    held = play.emit("CrossBorderEnquiryMade", "NGO-O@KH", to=("CPA@TH",))
    assert (held.outcome, held.reviews[0].desk) == ("held", play.slug("CPA@KH"))
    assert play.review("release", "WCH@KH", held.reviews[0].review_id).outcome == "denied"
    agreed = play.review("release", "CPA@KH", held.reviews[0].review_id)
    assert set(told(agreed)["CPA@TH"].groups) == {"F1", "F4"}


def test_a_refused_review_ends_the_wait() -> None:
    """What the desk refuses is never told later."""
    play = Play(owner="WCH@KH")
    play.emit("MissingPersonReported", "WCH@KH", REPORT, seal=("F1",))
    play.emit("ConcernVerified", "CPA@KH")
    held = play.emit("CrossBorderEnquiryMade", "NGO-O@KH", to=("CPA@TH",))
    play.review("refuse", "CPA@KH", held.reviews[0].review_id)
    later = play.emit("BestInterestsAssessed", "CPA@KH", {"cpa_agreement": True})
    assert "CPA@TH" not in told(later)


def test_a_mothers_later_objection_reaches_the_baby() -> None:
    """At every step of the baby her objections count as its own, whatever its own record says (R22, R34)."""
    mother = Play(name="mother")
    mother.emit("DetentionReported", "NGO-H@TH", {"found_in": "TH", "citizenship": ["LA"], "detained": "immigration"})
    baby = Play(name="baby")
    baby.child_of = mother.subject
    baby.kin = {mother.subject: mother.state or b""}
    born = baby.emit("BabyBorn", "MED@TH", seal=("F1", "F10"))
    assert told(born)["CPA@TH"].purpose == "ALTERNATIVE_CARE"
    assert set(told(born)["CRO@TH"].groups) == {"F1", "F10"}
    mother.emit("NotificationObjected", "NGO-H@TH")
    baby.kin = {mother.subject: mother.state or b""}
    decision = baby.emit("BirthRegistered", "CRO@TH", {"notify_origin": "no_objection"})
    assert any(d.address == "any@LA" for d in decision.denied)


def test_care_comes_first_and_before_the_window_closes() -> None:
    """Medical care is told first, as EMERGENCY; its answer is due when 72 h from the incident end (R42)."""
    facts = {"found_in": "TH", "citizenship": ["LA"], "exploitation": ["ForcedLabour"],
             "sexual_violence": {"hours_ago": 60}}  # fmt: skip
    for hours_ago, due_hours in ((60, 12), (10, 24), (100, 24)):
        play = Play()
        play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
        decision = play.emit("IndicatorFound", "NGO-H@TH", {**facts, "sexual_violence": {"hours_ago": hours_ago}},
                             seal=("F1", "F7"))  # fmt: skip
        assert decision.dispatches[0].address == "MED@TH"
        due = next(d for d in decision.deadlines if d.owner_address == "MED@TH" and d.awaits_answer == "accept")
        assert (due.due_at - play.now).total_seconds() == due_hours * 3600
        assert {a for a, d in told(decision).items() if "F7" in d.groups} == {"MED@TH", "LEG@TH"}


def test_pregnancy_of_a_surrogate_goes_to_care_and_shelter() -> None:
    """Shelter is granted F6 for surrogacy, and not otherwise (R41)."""
    for kind, granted in (("Surrogacy", True), ("ForcedLabour", False)):
        play = Play()
        play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
        facts = {"found_in": "TH", "trafficking_status": "PossibleVictimOfTrafficking", "exploitation": [kind]}
        decision = play.emit("IndicatorFound", "NGO-H@TH", facts, seal=("F2", "F6"))
        assert ("F6" in told(decision)["SHA@TH"].groups) is granted


def test_where_surrogates_are_charged_a_lawyer_looks_before_any_authority() -> None:
    """In Cambodia identification waits for a legal review; shelter does not (R41)."""
    play = Play(owner="NGO-H@KH")
    play.emit("ConsentGiven", "NGO-H@KH", consent={**HELP, "to": ["any@KH"]})
    facts = {"found_in": "KH", "trafficking_status": "PossibleVictimOfTrafficking", "exploitation": ["Surrogacy"]}
    decision = play.emit("IndicatorFound", "NGO-H@KH", facts, seal=("F1", "F2"))
    assert "IDA@KH" not in told(decision)
    assert "SHA@KH" in told(decision)
    review = next(r for r in decision.reviews if r.asks == ("legal_review",))
    assert "IDA@KH" in told(play.review("release", "LEG@KH", review.review_id))
    assert "R41" in cited(review)

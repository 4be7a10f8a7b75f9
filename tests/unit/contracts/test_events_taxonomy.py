"""The event taxonomy: complete, closed, and careful about who hears."""

import pytest

from contracts.errors import InvalidInput
from contracts.events import EVENTS, Recipient, event_type, load_events
from contracts.open_event import ANSWER_EVENTS

PART_A = """
CampaignHeld SafeMigrationAdviceGiven HotspotReported ConcernReported MissingPersonReported
ConcernVerified ConcernClosed PersonIntercepted TransitReferralMade OnwardTravelChosen
FactFindingOpened RescuePlanned PersonRemovedFromHarm ScreeningStarted IndicatorFound
IdentificationRequested VictimIdentified IdentificationRefused IdentificationAppealed
IdentificationRecognised ConsentGiven ConsentNarrowed ConsentWithdrawn NotificationObjected
ProtectionFreezeSet MessageRecalled ShelterRequested ShelterOffered ShelterTransferCompleted
ShelterLeft OutsideWorkOrStudyAuthorised NeedsAssessed ServiceStarted CounsellingProvided
InterpreterAssigned MedicalCareProvided LegalRightsExplained StatementScheduled TestimonyRecorded
CompensationClaimed CompensationAwarded CompensationPaid DetentionReported
DetentionScreeningRequested ConsularRightInformed DetaineeReleasedToShelter RemovalScheduled
RemovalSuspended BabyBorn BirthNotified BirthRegistered AsylumClaimRaised AsylumReferralMade
StatelessnessIndicated NationalityVerificationRequested NationalityConfirmed NationalityNotConfirmed
TravelDocumentRequested TravelDocumentIssued SkillsPlanAgreed TrainingStarted FieldVisitAuthorised
FamilyTracingRequested FamilyLocated FamilyAssessed FamilyReturnUnsafe ReturnPrepared
ReturnConsentConfirmed ReturnPlanProposed ReceptionAccepted ReturnDeparted HandoverCompleted
SafeTransportProvided ReceptionCompleted ReintegrationPlanAgreed FollowUpCompleted FollowUpMissed
RetraffickingRiskRaised CaseClosed ReferralSent ReferralDelivered ReferralAcknowledged
ReferralAccepted ReferralDeclined ReferralRedirected ReferralCompleted DeadlineMissed Escalated
StatisticsPublished RuleSetChanged DirectoryChanged WatchGroupFormed LeadershipProgrammeHeld
OutreachContactMade HelpRequested CrossBorderEnquiryMade MissingPersonFound RescueFailed
EvidenceHandedOver GuardianAppointed BestInterestsAssessed RiskReviewed ProtectionOrderMade
OrderExtensionRequested ReflectionRequested ConsularContactRequested ConsularEnquiryMade
NotificationAsked ObjectionLifted LawyerAssigned TestimonyOptionConfirmed HearingHeld VerdictGiven
TransferBasisRecorded FamilyContactMade LanguageTeacherAssigned MaterialSupportGiven
AlternativeCareRequested DetaineeMoved PersonRemoved DeathReported ReturnClearanceRequested
EscortAssigned ReturnPostponed ContactLost FamilyPrepared CommunityPrepared HousingArranged
TrainingCompleted EmploymentStarted BusinessStarted PeerNetworkJoined CaseOpened CaseReopened
CaseTransferred CasesMerged CaseSplit SubjectCorrected SubmissionVoided ReferralWithdrawn
ReferralExpired DeadlineDue DeadlineWarned Reminded DisclosureMade DisclosureRefused SubjectErased
MisdeliveryReported ReplayRun AgencyEnrolled AgencySuspended
""".split()


def test_every_name_of_part_a_is_known() -> None:
    """Each event of the domain sheet's two tables has a type; beside them two of the machinery's own."""
    assert set(EVENTS) - set(PART_A) == {"ReviewResolved", "DeliveryFailed"}
    assert set(PART_A) <= set(EVENTS)


def test_every_answer_is_an_event() -> None:
    """What a person can type as an answer is an event name."""
    assert set(ANSWER_EVENTS.values()) <= set(EVENTS)


def test_a_consent_tells_nobody() -> None:
    """ConsentGiven has no recipient of its own, though its row has."""
    assert EVENTS["ConsentGiven"].recipients == ()
    assert EVENTS["ConsentNarrowed"].recipients == (Recipient("past_recipients"),)


@pytest.mark.parametrize(
    "name",
    [
        "NotificationObjected", "ObjectionLifted", "NotificationAsked", "ProtectionFreezeSet",
        "AsylumClaimRaised", "AsylumReferralMade",
    ],
)  # fmt: skip
def test_what_betrays_her_is_hidden_from_the_origin_side(name: str) -> None:
    """An objection, a freeze or a claim is not to be seen there, not even by name."""
    assert EVENTS[name].hidden_from_origin


@pytest.mark.parametrize("name", ["NotificationAsked", "ObjectionLifted"])
def test_origin_notice_events_reach_the_owner_alone(name: str) -> None:
    """Whether she was asked is between her and who holds her case."""
    assert EVENTS[name].recipients == (Recipient("owner"),)


@pytest.mark.parametrize(
    "name", ["ConsentWithdrawn", "ConsentNarrowed", "NotificationObjected", "ProtectionFreezeSet"]
)
def test_what_takes_away_cannot_be_refused(name: str) -> None:
    """A withdrawal is a fact: no rule may deny it."""
    assert not EVENTS[name].is_refusable


def test_papers_concern_both_focal_points() -> None:
    """ "Both RFPs": that of the country where she is and that of origin."""
    told = EVENTS["TravelDocumentRequested"].recipients
    assert {(r.target, r.place) for r in told} == {("RFP", "host"), ("RFP", "origin")}


def test_registrar_and_child_desk_hear_of_the_baby_only() -> None:
    """BabyBorn enters two cases; the mother's tells neither registrar nor child desk."""
    assert {(r.target, r.when) for r in EVENTS["BabyBorn"].recipients} == {("CRO", "baby"), ("CPA", "baby")}


def test_events_without_a_person_carry_counts() -> None:
    """Prevention is counted, never told of a person."""
    assert EVENTS["CampaignHeld"].family == "counts"
    assert not EVENTS["CampaignHeld"].is_person_level


def test_an_unknown_name_gets_the_nearest_known_one() -> None:
    """A slip of the pen is answered with the name that was meant."""
    with pytest.raises(InvalidInput) as refused:
        event_type("VictimIdentifed")
    assert refused.value.remedy == "Did you mean VictimIdentified?"


BLOCK = "- row: a\n  title: A\n  source: here\n  confidence: A\n  events:\n    CampaignHeld: {%s}\n"


@pytest.mark.parametrize(
    ("own", "line"),
    [
        ("kind: wish", 6), ("recipients: [IDAA]", 6), ("recipients: [IDA@moon]", 6), ("purpose: FUN", 6),
        ("sensitive: [F99]", 6), ("colour: red", 6), ("emits: [NOBODY]", 6), ("scope: all", 6),
    ],
)  # fmt: skip
def test_an_event_file_with_an_unknown_word_is_refused_at_its_line(own: str, line: int) -> None:
    """The vocabulary is closed, and the refusal points at the line."""
    with pytest.raises(InvalidInput) as refused:
        load_events(BLOCK % own, "events.yaml")
    assert refused.value.field == f"events.yaml:{line}"
    assert refused.value.remedy


def test_a_name_given_twice_is_refused() -> None:
    """Two rows cannot both say what an event is."""
    with pytest.raises(InvalidInput, match="stands twice"):
        load_events(BLOCK % "" + BLOCK % "", "events.yaml")

"""What IOM's workbook cannot say, and the ``sampan_`` columns that say it.

HTCDS has no place found, purpose, urgency, objection, or scope of consent. Each missing answer comes back
as a question in words and as a column with the allowed answers; nothing is filled in for the sender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.htcds.codes import CodeList
from contracts.roles import Group, Priority, Purpose


@dataclass(frozen=True, slots=True)
class Asked:
    """A ``sampan_`` column. ``choices`` None: free text of the form that ``text`` describes."""

    name: str
    label: str
    text: str
    choices: CodeList | None = None
    several: bool = False
    country: bool = False


EVENTS: Final[CodeList] = {
    "IdentificationRequested": "Ask the authority where she was found to identify her",
    "ReferralSent": "Refer her to the recipients named in 'Send to'",
    "ShelterRequested": "Ask for a shelter",
    "ConsularContactRequested": "Ask for contact with her embassy",
}
PURPOSES: Final[CodeList] = {
    purpose.value: purpose.value for purpose in Purpose if purpose != Purpose.STATISTICS
}
PRIORITIES: Final[CodeList] = {
    Priority.EMERGENCY.value: "Emergency (24 hours)",
    Priority.URGENT.value: "Urgent (72 hours)",
    Priority.ROUTINE.value: "Routine (two weeks)",
}
NOTIFY_ORIGIN: Final[CodeList] = {
    "not_asked": "Not asked",
    "no_objection": "No objection",
    "objection": "Objects",
}
WITHOUT_CONSENT: Final[CodeList] = {
    "child_at_risk": "A child, or age in doubt, at risk",
    "life_in_danger": "Life in danger and consent impossible",
}
CONSENT_FROM: Final[CodeList] = {
    "self": "Herself or himself",
    "guardian": "A guardian",
    "guardian_and_assent": "A guardian, and the child agrees",
}
EVIDENCE: Final[CodeList] = {
    "signed_form": "Signed form",
    "verbal": "Verbal",
    "recorded": "Recorded",
    "thumbprint": "Thumbprint",
    "witnessed": "Witnessed",
    "sign_language": "Sign language",
    "other": "Other",
}
GROUPS: Final[CodeList] = {
    Group.F0.value: "Envelope",
    Group.F1.value: "Identity",
    Group.F2.value: "Whereabouts and contact",
    Group.F3.value: "Nationality and papers",
    Group.F4.value: "Family and tracing",
    Group.F5.value: "Trafficking facts",
    Group.F6.value: "Health",
    Group.F7.value: "Sexual-violence detail",
    Group.F8.value: "Legal case",
    Group.F9.value: "Asylum claim",
    Group.F10.value: "Dependants",
    Group.F11.value: "Risk assessment",
    Group.F12.value: "Needs",
    Group.F13.value: "Travel plan",
}
STAGE: Final[CodeList] = {
    "unknown": "Unknown",
    "origin": "Origin",
    "transit": "Transit",
    "destination": "Destination",
}
CONSULAR: Final[CodeList] = {
    "not_asked": "Not asked",
    "asked": "Asks for contact",
    "opposes": "Opposes contact",
}
ASYLUM: Final[CodeList] = {"none": "None", "fear": "Fears her state", "claimed": "Has claimed asylum"}
RISK_LEVEL: Final[CodeList] = {"low": "Low", "medium": "Medium", "high": "High"}
SAME_PERSON: Final[CodeList] = {"corrected": "Same person, details corrected"}

ASKED: Final = (
    Asked("sampan_event", "What is asked", "What should happen now?", EVENTS),
    Asked(
        "sampan_found_in",
        "Found in (country)",
        "In which country was the person found? Write its two-letter code, such as TH.",
        country=True,
    ),
    Asked(
        "sampan_current_place",
        "Where the person is now",
        "Where is the person now? Write it in words, or 'unknown'.",
    ),
    Asked(
        "sampan_stage", "Stage of the journey", "Was this the origin, on the way, or the destination?", STAGE
    ),
    Asked(
        "sampan_to",
        "Send to",
        "Who should receive it? Write roles such as SHA@TH, or CON.LA@TH for an embassy, parted by ';'.",
    ),
    Asked("sampan_purpose", "Purpose", "For which purpose is it sent?", PURPOSES),
    Asked("sampan_priority", "Urgency", "How urgent is it?", PRIORITIES),
    Asked(
        "sampan_notify_origin",
        "Notice to the country of origin",
        "Was the person asked whether the country of origin may be told, and what was the answer?",
        NOTIFY_ORIGIN,
    ),
    Asked("sampan_consular", "Contact with the embassy", "Does the person want the embassy?", CONSULAR),
    Asked(
        "sampan_asylum",
        "Fear of the own state",
        "Does the person fear the own state, or claim asylum?",
        ASYLUM,
    ),
    Asked(
        "sampan_consent_purposes",
        "Consent: for which purposes",
        "To which purposes did the person agree? Consent to help is not consent to tracing, prosecution or"
        " the embassy. Part several by ';'.",
        PURPOSES,
        several=True,
    ),
    Asked(
        "sampan_consent_to",
        "Consent: to whom",
        "Who may receive it? Write roles such as SHA@TH or any@TH, parted by ';'.",
    ),
    Asked(
        "sampan_consent_groups",
        "Consent: which information",
        "Which information may they see? Part several by ';'.",
        GROUPS,
        several=True,
    ),
    Asked(
        "sampan_consent_until",
        "Consent: until",
        "Until when does the consent hold? Write a date, or a duration such as 90d, 6mo or 1y.",
    ),
    Asked("sampan_consent_from", "Consent: given by", "Who gave the consent?", CONSENT_FROM),
    Asked("sampan_consent_evidence", "Consent: evidence", "How was the consent recorded?", EVIDENCE),
    Asked(
        "sampan_consent_language",
        "Consent: language",
        "In which language was it explained? Write a code such as lo, th, km, vi, my.",
    ),
    Asked(
        "sampan_without_consent",
        "If there is no consent: why it may be sent",
        "The sheet does not say that the person agreed. If it may be sent all the same, say why.",
        WITHOUT_CONSENT,
    ),
    Asked(
        "sampan_languages", "Languages spoken", "Which languages does the person speak? Codes, parted by ';'."
    ),
    Asked("sampan_needs", "Needs", "What does the person need?"),
    Asked("sampan_risk_level", "Risk", "How high is the risk?", RISK_LEVEL),
    Asked("sampan_risk_notes", "Risk: why", "What is the risk?"),
    Asked(
        "sampan_same_person",
        "Same person as before",
        "Name, birth date, gender or citizenship changed since this row was last sent. If it is the same"
        " person, say so; if not, empty the column sampan_row_id of this row.",
        SAME_PERSON,
    ),
    Asked("sampan_row_id", "Row id (leave as it is)", "Which row of earlier sendings is this?"),
)
"""In the order in which they stand in a result workbook."""

REPORTED: Final = {"sampan_missing": "What is missing", "sampan_receipt": "Receipt"}
"""Columns that a result workbook adds for people to read; reading skips them."""

ASKED_BY_NAME: Final = {asked.name: asked for asked in ASKED}

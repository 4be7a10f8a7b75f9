"""Plain words for what the wire says in codes."""

from __future__ import annotations

from typing import Final

from contracts.roles import Group, Purpose

GROUPS: Final[dict[Group, str]] = {
    Group.F0: "Envelope",
    Group.F1: "Who she is",
    Group.F2: "Where she is, how to reach her",
    Group.F3: "Nationality and papers",
    Group.F4: "Family and tracing",
    Group.F5: "What happened: trafficking facts",
    Group.F6: "Health",
    Group.F7: "Sexual violence",
    Group.F8: "Legal case",
    Group.F9: "Asylum claim",
    Group.F10: "Children and dependants",
    Group.F11: "Risk assessment",
    Group.F12: "Needs",
    Group.F13: "Travel plan",
}

PURPOSES: Final[dict[Purpose, str]] = {
    Purpose.IDENTIFY: "to identify",
    Purpose.SHELTER: "to shelter",
    Purpose.MEDICAL: "medical care",
    Purpose.LEGAL: "legal aid",
    Purpose.NOTIFY_ORIGIN: "to notify the origin",
    Purpose.TRACE: "to trace family",
    Purpose.RETURN: "to return",
    Purpose.RECEPTION: "to receive",
    Purpose.RESCUE: "to rescue",
    Purpose.LIVELIHOOD: "livelihood",
    Purpose.FEEDBACK: "feedback",
    Purpose.NATIONALITY: "to verify nationality",
    Purpose.CONSULAR: "consular help",
    Purpose.PAPERS: "papers",
    Purpose.ASYLUM: "asylum",
    Purpose.PROTECT_CHILD: "to protect a child",
    Purpose.ALTERNATIVE_CARE: "alternative care",
    Purpose.REGISTER_BIRTH: "to register a birth",
    Purpose.FOLLOW_UP: "follow-up",
    Purpose.PROSECUTE: "prosecution",
    Purpose.EMERGENCY: "emergency",
    Purpose.STATISTICS: "statistics",
}

CLOSED: Final = frozenset({"rejected", "completed", "cancelled", "failed", "entered-in-error"})
"""FHIR Task.status values after which a dispatch asks nothing more of its recipient."""

_FIELDS: Final = {
    "age_years": "age",
    "other": "other fields of the form",
    "claims_citizenship": "claims to be a citizen of",
    "citizenship": "citizen of",
    "no_contact": "do not contact",
    "birth_date": "born on",
    "paper_expires_on": "paper expires on",
}


def group_label(group: Group) -> str:
    """``F1 Who she is``."""
    return f"{group} {GROUPS[group]}"


def field_label(name: str) -> str:
    """A model's field name in plain words: ``given_name`` → ``given name``."""
    return _FIELDS.get(name, name.replace("_", " "))


def event_label(name: str) -> str:
    """An event's name as words: ``ReferralSent`` → ``Referral sent``."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return words[:1].upper() + words[1:]


def purpose_label(purpose: Purpose | None) -> str:
    """A purpose in words."""
    return PURPOSES[purpose] if purpose is not None else ""

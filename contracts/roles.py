"""Roles, purposes, bases, field groups, priorities: the closed lists that routing speaks in.

Source: ``domain/jurisdiction.md`` §6 and part A. Rules route to roles, never to agencies, because agencies
get merged and renamed; the directory says who holds a role, and from when to when.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What an agency is competent for."""

    IDA = "IDA"  # identification authority
    SHA = "SHA"  # shelter
    RFP = "RFP"  # return focal point
    CON = "CON"  # consulate
    RCA = "RCA"  # reception
    FTA = "FTA"  # family tracing
    CPA = "CPA"  # child protection, guardian
    IMM = "IMM"  # immigration
    LEA = "LEA"  # police
    LEG = "LEG"  # lawyer, prosecutor liaison
    MED = "MED"  # health
    CRO = "CRO"  # civil registrar
    TCC = "TCC"  # transit centre
    NGO_H = "NGO-H"  # NGO in the host country
    NGO_O = "NGO-O"  # NGO in the country of origin
    UNHCR = "UNHCR"
    WCH = "WCH"  # community watchdog
    REG = "REG"  # regional statistics
    NSM = "NSM"  # national screening mechanism
    INT = "INT"  # international organisation
    LAB = "LAB"  # labour authority
    DIR = "DIR"  # escalation director
    DPA = "DPA"  # data-protection authority
    TRN = "TRN"  # trainer, employer, school, landlord
    ESC = "ESC"  # escort
    FND = "FND"  # court or compensation fund


class Purpose(StrEnum):
    """Why a recipient needs a field group."""

    IDENTIFY = "IDENTIFY"
    SHELTER = "SHELTER"
    MEDICAL = "MEDICAL"
    LEGAL = "LEGAL"
    NOTIFY_ORIGIN = "NOTIFY_ORIGIN"
    TRACE = "TRACE"
    RETURN = "RETURN"
    RECEPTION = "RECEPTION"
    RESCUE = "RESCUE"
    LIVELIHOOD = "LIVELIHOOD"
    FEEDBACK = "FEEDBACK"
    NATIONALITY = "NATIONALITY"
    CONSULAR = "CONSULAR"
    PAPERS = "PAPERS"
    ASYLUM = "ASYLUM"
    PROTECT_CHILD = "PROTECT_CHILD"
    ALTERNATIVE_CARE = "ALTERNATIVE_CARE"
    REGISTER_BIRTH = "REGISTER_BIRTH"
    FOLLOW_UP = "FOLLOW_UP"
    PROSECUTE = "PROSECUTE"
    EMERGENCY = "EMERGENCY"
    STATISTICS = "STATISTICS"


class Basis(StrEnum):
    """What a route rests on in law."""

    CONSENT = "consent"
    CHILD_DUTY = "child_duty"
    STATUTE = "statute"
    VITAL_INTEREST = "vital_interest"
    TREATY_NOTICE = "treaty_notice"


class Group(StrEnum):
    """Field groups F0 to F13: what is sealed, granted and withheld as one piece."""

    F0 = "F0"  # envelope
    F1 = "F1"  # identity
    F2 = "F2"  # whereabouts, contact
    F3 = "F3"  # nationality, papers
    F4 = "F4"  # family, tracing
    F5 = "F5"  # trafficking facts
    F6 = "F6"  # health, pregnancy
    F7 = "F7"  # sexual-violence detail
    F8 = "F8"  # legal case
    F9 = "F9"  # asylum claim
    F10 = "F10"  # dependants
    F11 = "F11"  # risk assessment
    F12 = "F12"  # needs
    F13 = "F13"  # travel plan


def in_order(groups: Iterable[str]) -> list[Group]:
    """Groups by their number, as people read them: F2 before F10."""
    return sorted(map(Group, groups), key=lambda group: int(group[1:]))


class Priority(StrEnum):
    """Inter-agency referral form: emergency 24 h, urgent 72 h, normal two weeks."""

    EMERGENCY = "EMERGENCY"
    URGENT = "URGENT"
    ROUTINE = "ROUTINE"


ACK_WITHIN_HOURS: Final = {Priority.EMERGENCY: 4, Priority.URGENT: 24, Priority.ROUTINE: 72}
"""Elapsed hours until a person should have read it. An assumption (A), dated configuration may replace it."""

DECIDE_WITHIN_HOURS: Final = {Priority.EMERGENCY: 24, Priority.URGENT: 72, Priority.ROUTINE: 14 * 24}
"""Elapsed hours until the recipient should have accepted or declined. An assumption (A)."""

REGION: Final = ("TH", "LA", "KH", "MM", "VN", "MY", "SG", "ID", "PH", "CN")
"""The ten countries whose roles the sample region fills."""

ACTIP_PARTIES: Final = ("BN", "ID", "KH", "LA", "MM", "MY", "PH", "SG", "TH", "VN")
"""States bound by ACTIP (2015): ASEAN, not China (``domain/jurisdiction.md`` §1)."""

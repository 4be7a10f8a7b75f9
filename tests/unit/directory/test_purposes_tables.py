"""Purposes: what each needs at most, what each basis allows, and why a recipient is told."""

from pathlib import Path

import pytest

from contracts.errors import InvalidInput
from contracts.events import EVENTS
from contracts.roles import Basis, Purpose, Role
from routing import purposes as module
from routing.purposes import PURPOSES, Purposes

TEXT = Path(module.__file__).with_name("purposes.yaml").read_text(encoding="utf-8")

SHEET = {
    "IDENTIFY": "F0 F1 F2 F3 F5", "SHELTER": "F0 F1 F2 F11 F12", "MEDICAL": "F0 F1 F2 F6 F7 F12",
    "LEGAL": "F0 F1 F5 F8", "NOTIFY_ORIGIN": "F0 F3", "TRACE": "F0 F1 F4", "RETURN": "F0 F1 F3 F12 F13",
    "RECEPTION": "F0 F1 F12 F13", "RESCUE": "F0 F2 F5 F11", "LIVELIHOOD": "F0", "FEEDBACK": "F0",
    "NATIONALITY": "F0 F1 F3", "CONSULAR": "F0 F1 F2 F3", "PAPERS": "F0 F1 F3", "ASYLUM": "F0 F1 F2 F9 F12",
    "PROTECT_CHILD": "F0 F1 F2 F4 F10 F11 F12", "ALTERNATIVE_CARE": "F0 F2 F10 F12",
    "REGISTER_BIRTH": "F0 F1 F10", "FOLLOW_UP": "F0 F2 F11 F12", "PROSECUTE": "F0 F1 F5 F8",
    "EMERGENCY": "F0 F2 F12", "STATISTICS": "",
}  # fmt: skip


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("basis", [Basis.CONSENT, Basis.STATUTE, Basis.CHILD_DUTY])
def test_ceilings_are_those_of_the_sheet(purpose: Purpose, basis: Basis) -> None:
    """On these bases the purpose's own ceiling stands."""
    assert PURPOSES.ceiling(purpose, basis).groups == set(SHEET[purpose].split())


def test_a_treaty_notice_says_little() -> None:
    """F0, F3 and the age group, whatever the purpose would allow."""
    assert PURPOSES.ceiling(Purpose.NOTIFY_ORIGIN, Basis.TREATY_NOTICE).groups == {"F0", "F3"}
    assert PURPOSES.ceiling(Purpose.NOTIFY_ORIGIN, Basis.TREATY_NOTICE).items == {"age_group"}
    assert PURPOSES.ceiling(Purpose.IDENTIFY, Basis.TREATY_NOTICE).groups == {"F0", "F3"}
    assert PURPOSES.ceiling(Purpose.IDENTIFY, Basis.TREATY_NOTICE).items == frozenset()


def test_vital_interest_opens_what_saves_a_life_and_a_rescue_its_own() -> None:
    """F0, F2, F12; the rescue of a person not yet reached has its purpose's ceiling."""
    assert PURPOSES.ceiling(Purpose.MEDICAL, Basis.VITAL_INTEREST).groups == {"F0", "F2", "F12"}
    assert PURPOSES.ceiling(Purpose.RESCUE, Basis.VITAL_INTEREST).groups == {"F0", "F2", "F5", "F11"}


def test_the_risk_found_by_tracing_goes_to_the_requester_alone() -> None:
    """F11 under TRACE only for who asked."""
    assert "F11" not in PURPOSES.ceiling(Purpose.TRACE, Basis.CONSENT).groups
    assert "F11" in PURPOSES.ceiling(Purpose.TRACE, Basis.CONSENT, to_requester=True).groups
    assert "F11" not in PURPOSES.ceiling(Purpose.TRACE, Basis.TREATY_NOTICE, to_requester=True).groups


@pytest.mark.parametrize(
    ("target", "event", "purpose"),
    [
        ("IDA", "VictimIdentified", "IDENTIFY"), ("SHA", "VictimIdentified", "SHELTER"),
        ("RFP", "FamilyTracingRequested", "TRACE"),
        ("RFP", "NationalityVerificationRequested", "NATIONALITY"),
        ("RFP", "TravelDocumentRequested", "PAPERS"), ("RFP", "ReturnPlanProposed", "RETURN"),
        ("UNHCR", "AsylumClaimRaised", "ASYLUM"), ("UNHCR", "StatelessnessIndicated", "NATIONALITY"),
        ("requester", "FamilyAssessed", "TRACE"), ("requester", "VictimIdentified", "FEEDBACK"),
        ("owner", "FamilyAssessed", "FEEDBACK"), ("former_host", "CaseClosed", "FEEDBACK"),
        ("CON", "ReferralSent", "CONSULAR"), ("TRN", "TrainingStarted", "LIVELIHOOD"),
        ("ESC", "ReturnDeparted", "RETURN"), ("LEA", "PersonRemovedFromHarm", "PROSECUTE"),
    ],
)  # fmt: skip
def test_a_recipient_is_told_for_the_purpose_of_its_role(target: str, event: str, purpose: str) -> None:
    """Where neither event nor rule says why."""
    assert PURPOSES.default_purpose(target, EVENTS[event]) == purpose


def test_a_role_without_a_purpose_has_none() -> None:
    """Nobody is told "just so": an immigration office has no purpose unless somebody states one."""
    assert PURPOSES.default_purpose(Role.IMM, EVENTS["VictimIdentified"]) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  SHELTER: {groups", "  SHELTR: {groups"), ("F11, F12]}", "F11, F99]}"),
        ("IDA: IDENTIFY", "IDX: IDENTIFY"),
        ("items: [age_group]", "items: [shoe_size]"), ("  consent: {groups: purpose}\n", ""),
        ("default: FEEDBACK", "default: GOSSIP"), ("LEA: PROSECUTE", "LEA: HUNT"),
    ],
)  # fmt: skip
def test_a_table_with_an_unknown_or_missing_word_is_refused(old: str, new: str) -> None:
    """With file and line."""
    assert old in TEXT
    with pytest.raises(InvalidInput) as refused:
        Purposes.load(TEXT.replace(old, new, 1), "purposes.yaml")
    assert (refused.value.field or "").startswith("purposes.yaml:")

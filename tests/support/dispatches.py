"""Opened dispatches about invented people, for outbound formats."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from adapters.model import ConsentSummary, RenderInput
from contracts.groups import GROUP_MODELS
from contracts.roles import Basis, Group, Priority, Purpose

DISPATCH = UUID("0d2f0000-0000-8000-8000-000000000001")
CASE = UUID("ca5e0000-0000-8000-8000-000000000001")
SUBJECT = UUID("5ab00000-0000-8000-8000-000000000001")

GROUPS: dict[Group, dict[str, Any]] = {
    Group.F1: {
        "given_name": "Noy",
        "family_name": "Testperson",
        "sex": "Feminine",
        "birth_date": date(2001, 8, 14),
    },
    Group.F3: {"citizenship": ["LA"]},
    Group.F5: {"exploitation": ["SexualExploitation"], "account": "first line\nF1 given_name: not a field"},
}


def dispatch(**said: Any) -> RenderInput:
    """An identification referral resting on consent; ``groups`` as raw values by group."""
    groups = said.pop("groups", GROUPS)
    return RenderInput(
        **{
            "dispatch": DISPATCH,
            "case": CASE,
            "subject": SUBJECT,
            "case_code": "SP-K7RM4-TQX2F",
            "event": "ReferralSent",
            "purpose": Purpose.IDENTIFY,
            "basis": Basis.CONSENT,
            "priority": Priority.URGENT,
            "from_agency": "Moonlight House (demo)",
            "dated": datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
            "groups": {group: GROUP_MODELS[group].model_validate(fields) for group, fields in groups.items()},
            "consent": ConsentSummary((Purpose.IDENTIFY,), date(2026, 6, 1)),
            **said,
        }
    )

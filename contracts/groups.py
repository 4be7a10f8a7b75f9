"""The field groups F1 to F13: what is known of a person, cut into pieces that are sealed one by one.

F0, the envelope, is not here: it is what every recipient of a dispatch sees (event name, aliases, roles,
purpose, priority, consent alias) and is made by the router. Source of the cut: ``domain/jurisdiction.md`` §6.
Every value is :class:`~contracts.private.Private`. ``other`` keeps what an agency's form holds beside the
named fields, under that form's own field name, so that nothing a sender wrote is lost silently.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from contracts.private import REVEAL, Private
from contracts.roles import Group

Line = Annotated[str, StringConstraints(max_length=400)]
Prose = Annotated[str, StringConstraints(max_length=8000)]
Text = Private[Line]
LongText = Private[Prose]
Codes = Private[list[Line]]


class FieldGroup(BaseModel):
    """Base of all groups: frozen, strict about names, silent about values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    other: Private[dict[Line, Prose]] | None = None

    def revealed(self) -> dict[str, object]:
        """JSON values in clear, without unset fields. Vault and edge only."""
        return self.model_dump(mode="json", exclude_none=True, context=REVEAL)


class Identity(FieldGroup):
    """F1."""

    given_name: Text | None = None
    middle_name: Text | None = None
    family_name: Text | None = None
    local_script_name: Text | None = None
    other_names: Codes | None = None
    salutation: Text | None = None
    sex: Text | None = None  # HTCDS prs_Gender
    birth_date: Private[date] | None = None
    age_years: Private[int] | None = None
    identity_number: Text | None = None
    identity_number_kind: Text | None = None
    languages: Codes | None = None  # BCP 47
    ethnicity: Text | None = None  # sealed; no fact, routes nothing (R28)
    disability: Text | None = None


class Whereabouts(FieldGroup):
    """F2."""

    current_place: Text | None = None
    street: Text | None = None
    city: Text | None = None
    state: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None
    mobile_phone: Text | None = None  # E.164
    home_phone: Text | None = None
    email: Text | None = None
    safe_channel: Text | None = None


class NationalityPapers(FieldGroup):
    """F3."""

    citizenship: Codes | None = None  # ISO 3166-1 alpha-2
    claims_citizenship: Codes | None = None
    residence_at_entry: Text | None = None
    place_of_birth: Text | None = None
    papers_held: Text | None = None
    paper_kind: Text | None = None
    paper_number: Text | None = None
    paper_expires_on: Private[date] | None = None


class FamilyTracing(FieldGroup):
    """F4."""

    relatives: Codes | None = None
    caregiver: Text | None = None
    caregiver_phone: Text | None = None
    village: Text | None = None
    no_contact: Codes | None = None
    assessment: LongText | None = None


class TraffickingFacts(FieldGroup):
    """F5, in HTCDS terms."""

    trafficking_status: Text | None = None
    deciding_body: Text | None = None
    exploitation: Codes | None = None
    industry: Codes | None = None
    sexual_exploitation: Codes | None = None
    recruitment: Codes | None = None
    recruitment_place: Text | None = None
    exploitation_place: Text | None = None
    methods_of_control: Codes | None = None
    account: LongText | None = None


class Health(FieldGroup):
    """F6."""

    pregnant: Text | None = None
    conditions: Codes | None = None
    results: Codes | None = None
    medication: Codes | None = None
    notes: LongText | None = None


class SexualViolenceDetail(FieldGroup):
    """F7."""

    incident_at: Text | None = None
    care_needed: Codes | None = None
    account: LongText | None = None


class LegalCase(FieldGroup):
    """F8."""

    case_number: Text | None = None
    court: Text | None = None
    lawyer: Text | None = None
    claim: Text | None = None
    award: Text | None = None
    statement: LongText | None = None


class AsylumClaim(FieldGroup):
    """F9."""

    claim_number: Text | None = None
    feared: Text | None = None
    account: LongText | None = None


class Dependants(FieldGroup):
    """F10."""

    children: Codes | None = None
    birth_place: Text | None = None
    birth_time: Text | None = None
    notes: LongText | None = None


class RiskAssessment(FieldGroup):
    """F11."""

    level: Text | None = None
    concerns: Codes | None = None
    assessment: LongText | None = None
    reviewed_on: Private[date] | None = None


class Needs(FieldGroup):
    """F12."""

    services_wanted: Codes | None = None
    services_given: Codes | None = None
    interpreter: Text | None = None
    diet: Text | None = None
    notes: LongText | None = None


class TravelPlan(FieldGroup):
    """F13."""

    departs_on: Private[date] | None = None
    route: Text | None = None
    transport: Text | None = None
    handover_place: Text | None = None
    escort_name: Text | None = None
    lands_in: Text | None = None
    notes: LongText | None = None


GROUP_MODELS: Final[dict[Group, type[FieldGroup]]] = {
    Group.F1: Identity,
    Group.F2: Whereabouts,
    Group.F3: NationalityPapers,
    Group.F4: FamilyTracing,
    Group.F5: TraffickingFacts,
    Group.F6: Health,
    Group.F7: SexualViolenceDetail,
    Group.F8: LegalCase,
    Group.F9: AsylumClaim,
    Group.F10: Dependants,
    Group.F11: RiskAssessment,
    Group.F12: Needs,
    Group.F13: TravelPlan,
}
"""Which model holds which group. F0 has none: it is made by the router, never sent."""

ITEMS: Final = ("age_group",)
"""Named parts of a group that a purpose may grant alone; each is derived at the edge into its own slot."""

ITEM_FROM: Final[Mapping[str, Group]] = {"age_group": Group.F1}
"""The group that an item is a part of."""


def items_from(groups: Collection[str]) -> frozenset[str]:
    """The items that are parts of these groups: what is erased with them."""
    return frozenset(item for item, group in ITEM_FROM.items() if group in groups)

AGE_GROUPS: Final = ((0, 11), (12, 14), (15, 17), (18, 24), (25, 59), (60, 200))


def age_group(age_years: int) -> str:
    """The band of an age in full years: ``0-11`` … ``25-59``, ``60+``."""
    low, high = next(band for band in AGE_GROUPS if band[0] <= age_years <= band[1])
    return f"{low}+" if high == 200 else f"{low}-{high}"

"""Primero's code lists differ in every deployment, so they are configuration: nothing is mapped by its text.

A code that the deployment's lookups do not name is refused, naming the field and the lookup, never the value.
A lookup may map a code to ``null``: the deployment has no such code, Primero's field stays blank, and the
original stands in the referral's notes, as it does beside every mapped value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from contracts.codelists import COUNTRIES, Exploitation, Gender
from contracts.errors import InvalidInput
from contracts.roles import Purpose

TASK_STATUS: Final = {
    "in_progress": "requested",
    "accepted": "accepted",
    "rejected": "rejected",
    "done": "completed",
    "revoked": "cancelled",
}
"""Referral states of Primero (``app/models/transition.rb``) to FHIR R4 Task.status."""

ANSWER_EVENT: Final = {
    "accepted": "ReferralAccepted",
    "rejected": "ReferralDeclined",
    "done": "ReferralCompleted",
}
"""Referral states that are the recipient's answer; ``revoked`` is our own doing, ``in_progress`` none."""

MODULES: Final = ("primeromodule-cp", "primeromodule-gbv")

_KEYS: Final = {
    "sex": frozenset(Gender),
    "nationality": COUNTRIES,
    "protection_concerns": frozenset(Exploitation),
    "risk_level": frozenset(("low", "medium", "high")),
    "service": frozenset(Purpose),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """One deployment's settings.

    Attributes:
        transitioned_to: user name in Primero that referrals go to; never a remote one, which sends nothing.
        transitioned_to_agency: its agency there, if Primero shall check it.
        module_id: decides the consent gate; child protection needs two consents, GBV one.
        sex, nationality, protection_concerns, risk_level, service: canonical code to Primero's.
    """

    transitioned_to: str
    transitioned_to_agency: str | None = None
    module_id: str = MODULES[0]
    type_of_export: str | None = None
    sex: Mapping[str, str | None] = field(default_factory=dict)
    nationality: Mapping[str, str | None] = field(default_factory=dict)
    protection_concerns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    risk_level: Mapping[str, str | None] = field(default_factory=dict)
    service: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Lookups:
        """Read a deployment's settings (YAML or JSON already parsed).

        Raises:
            InvalidInput: an unknown key, a canonical code that does not exist, no recipient.
        """
        known = {each.name for each in fields(cls)}
        for key in settings:
            if key not in known:
                raise _setting(str(key), "there is no such setting", f"Known: {', '.join(sorted(known))}.")
        if not str(settings.get("transitioned_to") or "").strip():
            raise _setting(
                "transitioned_to", "the recipient's user name is missing", "Name the user in Primero."
            )
        if settings.get("module_id", MODULES[0]) not in MODULES:
            raise _setting("module_id", "the module is not known", f"Use one of {', '.join(MODULES)}.")
        for key, codes in _KEYS.items():
            for code in settings.get(key, {}):
                if code not in codes:
                    raise _setting(
                        f"{key}.{code}", "there is no such canonical code", "Correct or remove it."
                    )
        concerns = {code: tuple(to) for code, to in settings.get("protection_concerns", {}).items()}
        return cls(**{**settings, "protection_concerns": concerns})


def _setting(key: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="bad-lookups", field=f"primero.{key}", remedy=remedy)


def unmapped(canonical: str, lookup: str) -> InvalidInput:
    """The refusal of a code that a deployment does not name."""
    return InvalidInput(
        "the recipient's Primero has no code for this value",
        code="unmapped-code",
        field=canonical,
        remedy=f"Add it to the lookup '{lookup}' of this deployment, or map it to null to send text alone.",
    )


DEFAULT_CP: Final[Mapping[str, Any]] = {
    "module_id": "primeromodule-cp",
    "sex": {
        "Feminine": "female",
        "Masculine": "male",
        "TransgenderFeminine": None,
        "TransgenderMasculine": None,
        "NonConforming": None,
        "NonSpecifiedUnknown": None,
    },
    "nationality": {
        "TH": "thailand", "LA": "laos", "KH": "cambodia", "MM": "myanmar", "VN": "vietnam", "MY": "malaysia",
        "SG": "singapore", "ID": "indonesia", "PH": "philippines", "CN": "china",
    },
    "protection_concerns": {
        **{code.value: ["trafficked_smuggled"] for code in Exploitation},
        "SexualExploitation": ["trafficked_smuggled", "sexually_exploited"],
        "ChildLabour": ["trafficked_smuggled", "worst_forms_of_child_labor"],
    },
    "risk_level": {"low": "low", "medium": "medium", "high": "high"},
    "service": {
        **{purpose.value: "other_service" for purpose in Purpose},
        "SHELTER": "safehouse_service",
        "MEDICAL": "health_medical_service",
        "LEGAL": "legal_assistance_service",
        "PROTECT_CHILD": "child_protection_service",
        "ALTERNATIVE_CARE": "child_protection_service",
        "TRACE": "family_seunification_service",  # spelt so in Primero's own list
    },
}  # fmt: skip
"""Primero's stock child-protection codes (``db/configuration/lookups/lookups.rb``): to be checked."""

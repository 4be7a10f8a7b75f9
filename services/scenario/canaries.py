"""Recognisable invented values for sealed groups: they can be searched for where they must not be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from contracts.groups import GROUP_MODELS
from contracts.roles import Group
from services.scenario.model import Person

MARK: Final = "zqcanary"
_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "F1": ("given_name", "family_name", "identity_number"),
    "F2": ("current_place", "street", "mobile_phone"),
    "F3": ("place_of_birth", "paper_number"),
    "F4": ("caregiver", "village", "assessment"),
    "F5": ("recruitment_place", "exploitation_place", "account"),
    "F6": ("notes",),
    "F7": ("account",),
    "F8": ("case_number", "court", "statement"),
    "F9": ("claim_number", "account"),
    "F10": ("birth_place", "notes"),
    "F11": ("level", "assessment"),
    "F12": ("interpreter", "notes"),
    "F13": ("route", "handover_place", "escort_name"),
}


def values_for(person: Person, group: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Values of one group of one person: what the file gives, else what :data:`_FIELDS` lists.

    Sex, birth date, citizenship and ethnicity come from the person, so that the edge may derive from them.
    """
    values: dict[str, Any] = dict(given or {})
    if given is None:
        values = {name: f"{MARK}-{person.name}-{group}-{name}".lower() for name in _FIELDS[group]}
    known = _known(person, group)
    return {**{k: v for k, v in known.items() if v not in (None, [], ())}, **values}


def _known(person: Person, group: str) -> dict[str, Any]:
    if group == "F1":
        return {
            "sex": person.sex,
            "birth_date": person.born.isoformat() if person.born else None,
            "age_years": person.age if isinstance(person.age, int) else None,
            "languages": list(person.languages),
            "ethnicity": person.ethnicity,
        }
    if group == "F3":
        held = person.citizenship
        return {
            "citizenship": list(held) if isinstance(held, tuple) else None,
            "claims_citizenship": list(person.claims_citizenship or ()),
            "residence_at_entry": person.residence_at_entry,
            "papers_held": person.papers,
        }
    return {}


def planted_in(values: Mapping[str, Any], group: str) -> frozenset[str]:
    """The free texts of a group that nobody outside may ever find. Coded values are no secret words."""
    coded = {
        "sex",
        "languages",
        "ethnicity",
        "citizenship",
        "claims_citizenship",
        "residence_at_entry",
        "papers_held",
    }
    model = GROUP_MODELS[Group(group)]
    found = set()
    for name, value in values.items():
        if name in model.model_fields and name not in coded and isinstance(value, str) and len(value) >= 8:
            found.add(value)
    found |= {value for value in (values.get("other") or {}).values() if len(value) >= 8}
    return frozenset(v for v in found if not v[:4].isdigit())

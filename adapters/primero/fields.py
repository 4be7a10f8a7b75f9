"""Between canonical groups and a Primero case's own fields, by one deployment's lookups. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from adapters.model import LossKind
from adapters.primero import notes
from adapters.primero.codes import Lookups, unmapped
from adapters.primero.losses import KIND, WHERE
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.private import Private
from contracts.roles import Group

CaseFields = dict[str, Any]


def encode(groups: Mapping[Group, FieldGroup], lookups: Lookups) -> tuple[CaseFields, list[str]]:
    """Primero's fields, and the lines of notes for what has no field or lost precision in one.

    Raises:
        InvalidInput: a code that the deployment does not name (``unmapped-code``).
    """
    case: CaseFields = {}
    lines: list[str] = []
    for group in sorted(groups, key=lambda g: int(g[1:])):
        for name, value in _values(groups[group]).items():
            canonical = f"{group}.{name}"
            kind = KIND[canonical]
            if kind is LossKind.DROPPED:
                continue
            if kind is LossKind.EXACT:
                case[WHERE[canonical]] = value.isoformat() if isinstance(value, date) else value
                continue
            if kind is LossKind.NARROWED:
                mapped = _map(canonical, value, lookups)
                if mapped:
                    case[WHERE[canonical]] = mapped
            lines += notes.lines_of(group, name, value)
    if "age" in case and "date_of_birth" not in case:
        case["estimated"] = True
    return case, lines


def _values(group: FieldGroup) -> dict[str, Any]:
    """Set fields in clear, typed. What is read here is written to the recipient that it was opened for."""
    values = {name: getattr(group, name) for name in type(group).model_fields}
    return {name: value.reveal() for name, value in values.items() if isinstance(value, Private)}


def _map(canonical: str, value: Any, lookups: Lookups) -> Any:
    if canonical == "F1.sex":
        return _one(canonical, "sex", value, lookups.sex)
    if canonical == "F11.level":
        return _one(canonical, "risk_level", value, lookups.risk_level)
    if canonical == "F3.citizenship":
        slugs = [_one(canonical, "nationality", code, lookups.nationality) for code in value]
        return list(dict.fromkeys(slug for slug in slugs if slug))
    concerns: list[str] = []
    for code in value:
        if code not in lookups.protection_concerns:
            raise unmapped(canonical, "protection_concerns")
        concerns += lookups.protection_concerns[code]
    return list(dict.fromkeys(concerns))


def _one(canonical: str, lookup: str, code: str, mapping: Mapping[str, str | None]) -> str | None:
    if code not in mapping:
        raise unmapped(canonical, lookup)
    return mapping[code]


def decode(
    case: Mapping[str, Any], text: str, lookups: Lookups, *, originals: bool = True
) -> dict[Group, FieldGroup]:
    """Groups from a Primero case and a referral's notes: the way back, up to the declared losses.

    Args:
        originals: take narrowed codes from the notes that kept them; False reads Primero's own codes alone.
    """
    raw = notes.read(text)
    if not originals:
        for canonical, kind in KIND.items():
            if kind is LossKind.NARROWED:
                group, name = canonical.split(".")
                raw.get(Group(group), {}).pop(name, None)
    for canonical, kind in KIND.items():
        group, name = Group(canonical.split(".")[0]), canonical.split(".")[1]
        value = case.get(WHERE[canonical]) if WHERE[canonical] else None
        if value is None or name in raw.get(group, {}):
            continue
        if kind is LossKind.EXACT:
            raw.setdefault(group, {})[name] = value
        elif kind is LossKind.NARROWED and (back := _back(canonical, value, lookups)):
            raw.setdefault(group, {})[name] = back
    return {group: GROUP_MODELS[group].model_validate(fields) for group, fields in raw.items() if fields}


def _back(canonical: str, value: Any, lookups: Lookups) -> Any:
    """The first canonical codes that give Primero's value; those that share a code look alike."""
    if canonical == "F1.sex":
        return next((code for code, to in lookups.sex.items() if to == value), None)
    if canonical == "F11.level":
        return next((code for code, to in lookups.risk_level.items() if to == value), None)
    if canonical == "F3.citizenship":
        return [code for code, to in lookups.nationality.items() if to in value]
    wanted, found, covered = set(value), [], set[str]()
    ordered = sorted(lookups.protection_concerns.items(), key=lambda entry: -len(entry[1]))
    for code, to in ordered:
        if to and set(to) <= wanted and not set(to) <= covered:
            found.append(code)
            covered |= set(to)
    return found

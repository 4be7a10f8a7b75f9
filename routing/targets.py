"""Whom a rule means: address templates filled from facts, and patterns that recipients are held against.

    RFP@{origin}      every country of the fact gives one address
    CON.{origin}@*    missions of these states, wherever they are posted
    any@{origin}      the whole side; state@{origin}; LEA@*; *
    abroad            every agency outside a country from which the data comes
    outside@VN        every agency outside Vietnam, for data that comes from there
    owner, requester  relations
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from contracts.address import RELATIONS, Address
from contracts.roles import Role
from routing.agency import APART_UNITS, Agency
from routing.conditions import View
from routing.vocabulary import PLACE_NAMES, UNSET

EVERYBODY: Final = "*"
ABROAD: Final = "abroad"
NAMED: Final = "named"
_WORDS: Final = (EVERYBODY, ABROAD, NAMED, "operator", *RELATIONS)
_HOLE: Final = re.compile(r"\{(\w+)\}")
_SHAPE: Final = re.compile(
    r"(?P<role>[A-Za-z]+(?:-[A-Z])?)(?:\.(?P<state>[A-Z]{2}|\*))?@(?P<country>[A-Z]{2}|\*)(?:/(?P<unit>[a-z_]+))?"
)
_NOT_COUNTRIES: Final = frozenset({UNSET, "stateless", "undetermined", "none"})


def check_target(text: str) -> str | None:
    """What is wrong with a template; None if nothing."""
    if text in _WORDS:
        return None
    for hole in _HOLE.findall(text):
        if hole not in PLACE_NAMES:
            return f"{{{hole}}} is not a place"
    match = _SHAPE.fullmatch(_HOLE.sub("TH", text))
    if match is None:
        return f"{text} is not an address"
    if match["role"] not in ("any", "state", "outside", *Role):
        return f"{match['role']} is not a role"
    return None


def expand(template: str, view: View) -> tuple[str, ...]:
    """The addresses that a template means for these facts, in order; none where a place is unknown."""
    hole = _HOLE.search(template)
    if hole is None:
        return (template,)
    value = view.get(hole[1], UNSET)
    countries = sorted(value if isinstance(value, frozenset) else {value})
    whole = hole[0]
    return tuple(
        done
        for country in countries
        if country not in _NOT_COUNTRIES
        for done in expand(template.replace(whole, country), view)
    )


@lru_cache(maxsize=4096)
def parse_pattern(text: str) -> Address:
    """A filled pattern; ``*`` may stand for state or country."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return Address(text)
    return Address(match["role"], match["country"], match["state"] or "", match["unit"] or "")


def covers(pattern: str, agency: Agency, address: str, homes: Collection[str] = ()) -> bool:
    """Whether a recipient (agency, and the role in which it is told) falls under a filled pattern.

    A side (``any@``, ``state@``) is a matter of the agency; a role is a matter of the address it is told at.

    Args:
        homes: the countries from which the data comes.
    """
    if pattern == EVERYBODY:
        return True
    if pattern == ABROAD:
        return any(agency.country != home for home in homes)
    wanted = parse_pattern(pattern)
    if wanted.role == "outside":
        return wanted.country in homes and agency.country != wanted.country
    if wanted.role == "any":
        return of_side(agency, wanted.country)
    if wanted.role == "state":
        return wanted.country in agency.answers_to
    told = parse_pattern(address)
    return (
        told.role == wanted.role
        and wanted.country in ("*", told.country)
        and (wanted.state in ("", "*") or wanted.state == told.state)
        and (wanted.unit == told.unit if wanted.unit else told.unit not in APART_UNITS)
    )


def of_side(agency: Agency, country: str, *, foreign_missions: bool = True) -> bool:
    """``any@CC``: of or in a country, or its mission anywhere. In a consent, never another state's mission."""
    return (
        agency.mission_of == country
        or country in agency.answers_to
        or (agency.country == country and (foreign_missions or not agency.mission_of))
    )

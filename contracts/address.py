"""Addresses: how an event, a consent or a scenario names who is meant, without naming an agency.

    ROLE@CC            IDA@TH
    ROLE@CC/unit       IDA@SG/police, CPA@TH/duty
    CON.XX@CC          the mission of XX posted in CC
    any@CC             every agency of or in CC and its missions anywhere
    state@CC           its public bodies and missions
    owner, requester, counterpart, past_recipients, former_host, anyone_else
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from contracts.codelists import COUNTRIES
from contracts.errors import InvalidInput
from contracts.roles import Role

RELATIONS: Final = ("owner", "requester", "counterpart", "past_recipients", "former_host", "anyone_else")
_PATTERN: Final = re.compile(
    r"(?P<role>[A-Za-z]+(?:-[A-Z])?)(?:\.(?P<state>[A-Z]{2}))?@(?P<country>[A-Z]{2})(?:/(?P<unit>[a-z][a-z0-9_-]*))?"
)


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A parsed address. ``role`` is a role, ``any``, ``state`` or a relation; the rest may be empty.

    ``state`` is set for missions alone: ``CON.LA@TH`` has role CON, state LA, country TH.
    """

    role: str
    country: str = ""
    state: str = ""
    unit: str = ""

    @property
    def is_relation(self) -> bool:
        """Whether it names a part in the case rather than a place in the directory."""
        return not self.country

    def __str__(self) -> str:
        if self.is_relation:
            return self.role
        mission = f".{self.state}" if self.state else ""
        unit = f"/{self.unit}" if self.unit else ""
        return f"{self.role}{mission}@{self.country}{unit}"


def parse_address(text: str, field: str = "to") -> Address:
    """Read an address.

    Raises:
        InvalidInput: not of the grammar, an unknown role or country; names ``field``.
    """
    if text in RELATIONS:
        return Address(text)
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise InvalidInput(
            "not an address",
            code="bad-address",
            field=field,
            remedy="Write ROLE@CC (SHA@TH), ROLE@CC/unit, CON.XX@CC, any@CC, state@CC or a relation such as owner.",
        )
    role, country, state, unit = match["role"], match["country"], match["state"] or "", match["unit"] or ""
    if role not in ("any", "state") and role not in set(Role):
        raise InvalidInput("unknown role in the address", code="unknown-role", field=field,
                           remedy="Known roles: " + ", ".join(Role))
    for code in (country, state):
        if code and code not in COUNTRIES:
            raise InvalidInput("unknown country in the address", code="unknown-country", field=field,
                               remedy="Use the two-letter ISO 3166-1 code, such as LA for Lao PDR.")
    if state and role != Role.CON:
        raise InvalidInput("only a mission has two countries", code="bad-address", field=field,
                           remedy="Write CON.XX@CC for the mission of XX in CC.")
    return Address(role, country, state, unit)

"""Reading the region's files: one YAML per country, agencies by slug, defaults of the country on top."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.address import parse_address
from contracts.codelists import COUNTRIES
from contracts.errors import InvalidInput
from contracts.yaml_text import LocatedDict, load_yaml
from routing.agency import CHANNELS, Agency, SigningKey, Tenure
from routing.calendar import parse_hours

_FILE_KEYS: Final = ("country", "timezone", "hours", "languages", "agencies")
_AGENCY_KEYS: Final = (
    "id", "name", "public", "demo", "country", "mission_of", "answers_to", "roles", "duty_phone", "alternate",
    "hours", "timezone", "languages", "channels", "capacity", "keys",
)  # fmt: skip
_ROLE_KEYS: Final = ("at", "from", "until")
_KEY_KEYS: Final = ("key_id", "public_key", "from", "until")
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")


@dataclass(frozen=True, slots=True)
class ReadAgency:
    """An agency and where it stands, so that later checks can point at the line."""

    agency: Agency
    row: LocatedDict


def refusal(where: str, code: str, message: str, remedy: str) -> InvalidInput:
    """A refused directory: ``directory-…`` code, ``file:line``, what is wrong and how to mend it."""
    return InvalidInput(message, code=f"directory-{code}", field=where, remedy=remedy)


def read_agencies(text: str, file: str) -> list[ReadAgency]:
    """Read one country's file.

    Raises:
        InvalidInput: unknown key, role, zone, channel or country, or a missing or malformed value.
    """
    top = load_yaml(text, file)
    if not isinstance(top, LocatedDict):
        raise refusal(f"{file}:1", "shape", "not a directory file", "Begin with country and agencies.")
    _only(top, _FILE_KEYS)
    return [_agency(slug, row, top) for slug, row in (top.get("agencies") or {}).items()]


def _agency(slug: str, row: LocatedDict, top: LocatedDict) -> ReadAgency:
    if not _SLUG.fullmatch(slug):
        raise refusal(
            top["agencies"].where(slug),
            "slug",
            f"{slug} is not a usable short name",
            "Use lower-case letters, digits and hyphens.",
        )
    _only(row, _AGENCY_KEYS)
    seat = row if "country" in row else top
    country = _country(seat, "country", seat.get("country", ""))
    mission_of = _country(row, "mission_of", row.get("mission_of", ""))
    public = bool(row.get("public", bool(mission_of)))
    state = mission_of or country
    answers = row.get("answers_to", [state] if public and state else [])
    agency = Agency(
        slug=slug,
        agency_id=_typed(row, "id", UUID, "a random UUID"),
        name=_typed(row, "name", str, "a name"),
        country=country,
        timezone=_zone(row if "timezone" in row else top),
        hours=parse_hours(*_own_or_top(row, top, "hours")),
        tenures=tuple(_tenure(held) for held in row.get("roles", [])),
        mission_of=mission_of,
        answers_to=tuple(_country(row, "answers_to", code) for code in answers),
        public=public,
        demo=bool(row.get("demo", False)),
        duty_phone=str(row.get("duty_phone", "")),
        alternate=str(row.get("alternate", "")),
        languages=tuple(row.get("languages", top.get("languages", []))),
        channels=_channels(row),
        capacity=row.get("capacity"),
        keys=tuple(_key(key) for key in row.get("keys", [])),
    )
    return ReadAgency(agency, row)


def _own_or_top(row: LocatedDict, top: LocatedDict, key: str) -> tuple[object, str]:
    return (row[key], row.where(key)) if key in row else (top.get(key), top.where(key))


def _tenure(held: LocatedDict) -> Tenure:
    _only(held, _ROLE_KEYS)
    try:
        address = parse_address(str(held.get("at", "")))
    except InvalidInput as error:
        raise refusal(held.where("at"), error.code, error.message, error.remedy or "") from None
    if address.is_relation or address.role in ("any", "state"):
        raise refusal(held.where("at"), "role", "an agency cannot hold that", "Write a role, such as SHA@TH.")
    return Tenure(address, *_span(held))


def _key(row: LocatedDict) -> SigningKey:
    _only(row, _KEY_KEYS)
    return SigningKey(str(row["key_id"]), str(row["public_key"]), *_span(row))


def _span(row: LocatedDict) -> tuple[date, date | None]:
    begin, end = row.get("from"), row.get("until")
    if not isinstance(begin, date) or not (end is None or isinstance(end, date)):
        raise refusal(row.where(), "dates", "a day is missing or is no date", "Write from: 2024-01-01.")
    if end is not None and end <= begin:
        raise refusal(row.where("until"), "dates", "it ends before it begins", "`until` is the day after.")
    return begin, end


def _zone(row: LocatedDict) -> str:
    name = str(row.get("timezone", ""))
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise refusal(
            row.where("timezone"), "zone", "unknown time zone", "Use an IANA name, such as Asia/Vientiane."
        ) from None
    return name


def _channels(row: LocatedDict) -> tuple[str, ...]:
    channels = tuple(row.get("channels", ["inbox"]))
    for channel in channels:
        if channel not in CHANNELS:
            raise refusal(
                row.where("channels"),
                "channel",
                f"unknown channel {channel}",
                "Known: " + ", ".join(CHANNELS) + ".",
            )
    if "inbox" not in channels:
        raise refusal(row.where("channels"), "channel", "every agency has an inbox", "Add inbox to the list.")
    return channels


def _country(row: LocatedDict, key: str, code: object) -> str:
    if not isinstance(code, str) or (code and code not in COUNTRIES):
        raise refusal(
            row.where(key), "country", "unknown country", 'Use the two-letter ISO 3166-1 code; quote "NO".'
        )
    return code


def _typed(row: LocatedDict, key: str, make: Callable[[str], Any], what: str) -> Any:
    try:
        return make(row[key])
    except (KeyError, ValueError, AttributeError, TypeError):
        raise refusal(row.where(key), "value", f"{key} is missing or malformed", f"Give {what}.") from None


def _only(row: LocatedDict, known: tuple[str, ...]) -> None:
    for key in row:
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.0)
            raise refusal(row.where(key), "key", f"unknown key {key}", f"Did you mean {close[0]}?")

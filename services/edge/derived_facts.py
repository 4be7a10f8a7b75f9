"""Facts that follow from field groups, read once, before sealing. What the sender states wins.

Nothing is guessed: a value that means nothing to the fact's closed list is refused with a remedy, because a
fact that silently stays out could let a rule stay silent. Ethnicity is no fact and routes nothing (R28).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from contracts.codelists import COUNTRIES, Exploitation, TraffickingStatus
from contracts.errors import InvalidInput
from contracts.facts import ADULT_AT, Facts
from contracts.groups import (
    FieldGroup,
    Health,
    Identity,
    NationalityPapers,
    TraffickingFacts,
    TravelPlan,
    age_group,
)
from contracts.private import Private
from contracts.roles import Group

_OLDEST: Final = 120
_YES: Final = frozenset({"yes", "true", "y", "1", "pregnant"})
_NO: Final = frozenset({"no", "false", "n", "0", "not pregnant"})
_UNSAID: Final = frozenset({"", "unknown", "not asked", "not_asked", "na", "n/a"})

Groups = dict[Group, FieldGroup]


def facts_of(stated: Facts, groups: Groups, today: date, field: str) -> Facts:
    """``stated``, and beside it what ``groups`` say and the sender did not state.

    Args:
        today: the day in UTC on which the event is sealed.
        field: path of the subject in the event (``subjects[0]``), for errors.

    Raises:
        InvalidInput: a value of a group that belongs to no entry of the fact's list, or an impossible age.
    """
    said = stated.model_fields_set
    found: dict[str, Any] = {}
    for group, content in groups.items():
        place = f"{field}.groups.{group}"
        match content:
            case Identity():
                found |= _from_identity(content, said, today, place)
            case NationalityPapers():
                found |= _from_papers(content, said, place)
            case TraffickingFacts():
                found |= _from_trafficking(content, said, place)
            case Health():
                found |= _from_health(content, said, place)
            case TravelPlan():
                found |= _from_travel(content)
    news = {name: value for name, value in found.items() if name not in said and value is not None}
    return stated.model_copy(update=news) if news else stated


def age_group_of(facts: Facts, groups: Groups, today: date, field: str) -> str | None:
    """The band of her age (``15-17``) where a birth date or an age in years is known.

    Raises:
        InvalidInput: an impossible age.
    """
    identity = groups.get(Group.F1)
    years = facts.age if isinstance(facts.age, int) else None
    if isinstance(identity, Identity):
        years = _age_years(identity, today, f"{field}.groups.F1") if years is None else years
    return None if years is None else age_group(years)


def _from_identity(group: Identity, said: set[str], today: date, field: str) -> dict[str, Any]:
    if said & {"age", "child_until"}:
        return {}
    years = _age_years(group, today, field)
    if years is None:
        return {}
    if years >= ADULT_AT:
        return {"age": "adult"}  # not the number: an adult's age routes nothing
    if group.birth_date is None:
        return {"age": years}
    return {"age": "child", "child_until": _birthday(group.birth_date.reveal(), ADULT_AT)}


def _from_papers(group: NationalityPapers, said: set[str], field: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if group.citizenship is not None and "citizenship" not in said:
        values = group.citizenship.reveal()
        special = [value for value in values if value in ("stateless", "undetermined")]
        if special and len(values) > 1:
            remedy = "Give country codes, or one of stateless, undetermined."
            raise _unreadable(f"{field}.citizenship", remedy)
        found["citizenship"] = special[0] if special else _countries(values, f"{field}.citizenship")
    if group.claims_citizenship is not None and "claims_citizenship" not in said:
        claims = group.claims_citizenship.reveal()
        found["claims_citizenship"] = _countries(claims, f"{field}.claims_citizenship")
    if group.residence_at_entry is not None and "residence_at_entry" not in said:
        residence = group.residence_at_entry.reveal()
        found["residence_at_entry"] = known_country(residence, f"{field}.residence_at_entry")
    if group.papers_held is not None and "papers" not in said:
        answer = _yes_or_no(group.papers_held, f"{field}.papers_held", ("held",), ("none",))
        found["papers"] = None if answer is None else "held" if answer else "none"
    return found


def _from_trafficking(group: TraffickingFacts, said: set[str], field: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if group.trafficking_status is not None and "trafficking_status" not in said:
        place = f"{field}.trafficking_status"
        found["trafficking_status"] = _entry(TraffickingStatus, group.trafficking_status.reveal(), place)
    if group.exploitation is not None and "exploitation" not in said:
        place = f"{field}.exploitation"
        found["exploitation"] = [_entry(Exploitation, value, place) for value in group.exploitation.reveal()]
    return found


def _from_health(group: Health, said: set[str], field: str) -> dict[str, Any]:
    if group.pregnant is None or "pregnant" in said:
        return {}
    return {"pregnant": _yes_or_no(group.pregnant, f"{field}.pregnant")}


def _from_travel(group: TravelPlan) -> dict[str, Any]:
    landing = group.lands_in.reveal() if group.lands_in is not None else None
    return {"lands_in": landing} if landing in COUNTRIES else {}  # else an airport's name: no country said


def _age_years(identity: Identity, today: date, field: str) -> int | None:
    if identity.birth_date is not None:
        born, field = identity.birth_date.reveal(), f"{field}.birth_date"
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        if today < born <= today + timedelta(days=1):
            years = 0  # the day is UTC's, and a morning in Bangkok is the day before there
    elif identity.age_years is not None:
        years, field = identity.age_years.reveal(), f"{field}.age_years"
    else:
        return None
    if not 0 <= years <= _OLDEST:
        raise InvalidInput(
            "This gives an age below 0 or above 120 years.",
            code="impossible-age",
            field=field,
            remedy="Check the date; a Buddhist-era year is 543 more than the year meant here.",
        )
    return years


def _birthday(born: date, years: int) -> date:
    """Somebody born on 29 February has it on 1 March in a common year: a child a day longer, not shorter."""
    try:
        return born.replace(year=born.year + years)
    except ValueError:
        return date(born.year + years, 3, 1)


def _countries(values: Iterable[str], field: str) -> list[str]:
    return [known_country(value, field) for value in values]


def known_country(value: str, field: str) -> str:
    """``value`` again. Raises InvalidInput: ``unknown-country``; no code that ISO 3166-1 has assigned."""
    if value not in COUNTRIES:
        raise InvalidInput(
            "unknown country",
            code="unknown-country",
            field=field,
            remedy="Use the two-letter ISO 3166-1 code, such as LA for Lao PDR.",
        )
    return value


def _entry(entries: type[StrEnum], value: str, field: str) -> StrEnum:
    try:
        return entries(value)
    except ValueError:
        raise _unreadable(field, "Known: " + ", ".join(entries)) from None


def _yes_or_no(
    value: Private[str], field: str, yes: Iterable[str] = (), no: Iterable[str] = ()
) -> bool | None:
    text = value.reveal().strip().lower()
    if text in _YES or text in yes:
        return True
    if text in _NO or text in no:
        return False
    if text in _UNSAID:
        return None
    known = ", ".join((*(yes or ("yes",)), *(no or ("no",)), "unknown"))
    raise _unreadable(field, f"Write one of {known}, or state the fact beside the groups.")


def _unreadable(field: str, remedy: str) -> InvalidInput:
    return InvalidInput("not a value that rules can read", code="unreadable-fact", field=field, remedy=remedy)

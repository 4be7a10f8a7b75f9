"""Facts as rules see them at one instant: closed values, places combined, ages dated."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.events import EVENTS
from contracts.roles import ACTIP_PARTIES
from routing.replies import depends_on_testimony
from routing.state import Json, Recorded, SubjectState
from routing.vocabulary import FALSE, STATED, TRUE, UNSET

View = dict[str, str | frozenset[str]]
_UNSET_SET = frozenset({UNSET})
_SPECIAL = {"citizenship", "age", "order_until", "accompanied_by", "handover_point", "sexual_violence"}
_SEVERAL = {name: kind.several for name, kind in STATED.items() if name not in _SPECIAL}
_FROM_EVENTS = ("reported_by_watchdog", "reception_completed", "rescue_open")


def view_of(
    state: SubjectState, facts: Json, record: Recorded, at: datetime, zone: ZoneInfo, origin_told: bool,
    purposes: Iterable[str],
) -> View:  # fmt: skip
    """The view for a record of this subject, with these (perhaps tentative) facts.

    Args:
        purposes: for which some consent is valid at ``at``.
        origin_told: whether an agency of the origin side was ever told.
    """
    view: View = {}
    for name, value in facts.items():
        several = _SEVERAL.get(name)
        if several is not None and value is not None:
            view[name] = frozenset(value or ("none",)) if several else _word(value)
        elif name in _FROM_EVENTS:
            view[name] = _word(value)
    _person(view, facts, at, zone)
    _places(view, facts)
    _journey(view, facts)
    _of_record(view, record, state)
    _side(view, record)
    consented = frozenset(purposes)
    view["consented"] = consented or _UNSET_SET
    if state.child_of is not None or record.child_of is not None:
        view["baby"] = TRUE
    view["origin_told"] = TRUE if origin_told else FALSE
    return view


def _word(value: Any) -> str:
    return (TRUE if value else FALSE) if isinstance(value, bool) else str(value)


def _person(view: View, facts: Json, at: datetime, zone: ZoneInfo) -> None:
    citizenship = facts.get("citizenship")
    if isinstance(citizenship, str):
        view["citizenship"] = frozenset({citizenship})
        view["nationality"] = citizenship
    elif citizenship:
        view["citizenship"] = frozenset(citizenship)
        view["nationality"] = "known"
    age = age_of(facts, at, zone)
    if age is not None:
        view["age"] = age
    for fact in ("order_until", "accompanied_by", "sexual_violence"):
        if facts.get(fact) is not None:
            view[fact] = TRUE if facts[fact] else FALSE


def age_of(facts: Json, at: datetime, zone: ZoneInfo) -> str | None:
    """Child, adult or in doubt on that day; None while nothing is known."""
    age = facts.get("age")
    if age == "dated":
        return "child" if at.astimezone(zone).date().isoformat() < facts["child_until"] else "adult"
    return None if age is None else str(age)


def _places(view: View, facts: Json) -> None:
    citizenship = facts.get("citizenship")
    nationals = set(citizenship) if isinstance(citizenship, list) else set()
    origin = nationals | set(facts.get("claims_citizenship") or ())
    if facts.get("residence_at_entry"):
        origin.add(facts["residence_at_entry"])
    view["origin"] = frozenset(origin) or _UNSET_SET
    place = facts.get("found_in") or facts.get("last_seen_in")
    view["origin_abroad"] = frozenset(origin - {place}) or _UNSET_SET
    if place:
        view["place"] = place
    lands = facts.get("lands_in")
    view["landing"] = frozenset({lands}) if lands else view["origin"]
    if lands and origin:
        view["lands_in_origin"] = TRUE if lands in origin else FALSE
    if place and origin:
        view["abroad"] = FALSE if place in origin else TRUE
        parties = place in ACTIP_PARTIES and any(c in ACTIP_PARTIES for c in origin)
        view["actip_pair"] = TRUE if parties and place not in origin else FALSE
    if place and citizenship is not None:
        view["foreigner"] = FALSE if place in nationals else TRUE
    came = facts.get("came_from")
    if came and place and came != place:
        beyond = facts.get("stage") == "transit" and bool(origin) and came not in origin
        view["deported"] = TRUE if facts.get("removed") or facts.get("removal") == "scheduled" or beyond else FALSE


def _journey(view: View, facts: Json) -> None:
    point = facts.get("handover_point")
    if point == "none":
        view["handover_point"] = "none"
    elif isinstance(point, dict):
        between = [code for code in point.get("between") or () if code]
        view["handover_point"] = "border" if between else "airport" if point.get("airport") else "none"
        view["handover_at"] = frozenset(between) or _UNSET_SET


def _side(view: View, record: Recorded) -> None:
    role, _, country = (record.emitter_address or "").partition("@")
    state = role.partition(".")[2] or country.partition("/")[0]  # a mission speaks for its state
    if state:
        at_origin = "origin" if state in view["origin"] else "other"
        view["emitter_side"] = "host" if state == view.get("place") else at_origin


def country_of(record: Recorded) -> str:
    """The country in which the emitter of a record sits; empty for Sampan's own."""
    return (record.emitter_address or "").partition("@")[2].partition("/")[0]


def _of_record(view: View, record: Recorded, state: SubjectState) -> None:
    view["event"] = record.event if record.event in EVENTS else UNSET
    role, here = (record.emitter_address or "").partition("@")[0], country_of(record)
    if role:
        view["emitter_role"] = role.partition(".")[0]
        view["emitter_country"] = here
    view["data_from"] = frozenset({*state.slot_from.values(), here} - {""}) or _UNSET_SET
    if record.consent is not None:
        source = record.consent.source
        view["consent_from"] = source if source in ("self", "guardian") else "other"
        if record.consent.assent is not None:
            view["assent"] = TRUE if record.consent.assent else FALSE
    if (record.answer is not None or record.event == "ShelterOffered") and depends_on_testimony(state, record):
        view["help_depends_on"] = "testimony"

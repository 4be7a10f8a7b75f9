"""The facts that rules may name, with their closed value lists. Source: domain sheet, part A, "Facts".

A rule file that names a fact or a value not listed here is refused at load: a typing error in a rule must
never become a rule that silently never matches. ``unset`` is a value of every fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from contracts.codelists import COUNTRIES, Exploitation, TraffickingStatus
from contracts.events import EVENTS
from contracts.roles import Purpose, Role

UNSET: Final = "unset"
TRUE: Final = "true"
FALSE: Final = "false"


@dataclass(frozen=True, slots=True)
class FactType:
    """A fact's closed values; ``several`` where a person may have more than one at once."""

    values: frozenset[str]
    several: bool = False


def _one(*values: str) -> FactType:
    return FactType(frozenset((UNSET, *values)))


_YES_NO: Final = _one(TRUE, FALSE)
_PLACE: Final = FactType(COUNTRIES | {UNSET})
_PLACES: Final = FactType(COUNTRIES | {UNSET}, several=True)

STATED: Final[dict[str, FactType]] = {
    "citizenship": FactType(COUNTRIES | {UNSET, "stateless", "undetermined"}, several=True),
    "claims_citizenship": _PLACES,
    "residence_at_entry": _PLACE,
    "age": _one("in_doubt", "child", "adult"),
    "papers": _one("held", "none"),
    "found_in": _PLACE,
    "last_seen_in": _PLACE,
    "perhaps_in": _PLACE,
    "going_to": _PLACE,
    "came_from": _PLACE,
    "lands_in": _PLACE,
    "stage": _one("unknown", "origin", "transit", "destination"),
    "trafficking_status": _one(*TraffickingStatus),
    "exploitation": FactType(frozenset((UNSET, "none", *Exploitation)), several=True),
    "notify_origin": _one("not_asked", "no_objection", "objection"),
    "consular": _one("not_asked", "asked", "opposes"),
    "testimony": _one("not_asked", "willing", "unwilling"),
    "declined": _YES_NO,
    "asylum": _one("none", "fear", "claimed"),
    "life_in_danger": _YES_NO,
    "state_of_origin_risk": _one("unknown", "acceptable", "acceptable_with_conditions", "unacceptable"),
    "frozen": _YES_NO,
    "detained": _one("none", "immigration", "police", "prison", "hospital_guard"),
    "charged": _YES_NO,
    "removal": _one("none", "scheduled", "suspended"),
    "order_until": _YES_NO,
    "family": _one("unknown", "safe", "unsafe"),
    "family_suspected": _YES_NO,
    "accompanied_by": _YES_NO,
    "destination": _one("unknown", "family", "own_home", "alternative_care"),
    "pregnant": _YES_NO,
    "sexual_violence": _YES_NO,
    "proceedings": _one("none", "open", "claim_open", "awarded_unpaid", "paid"),
    "forced_criminality": _YES_NO,
    "contact_route": _one("none", "recorded"),
    "escort": _one("none", "named"),
    "handover_point": _one("none", "border", "airport"),
    "identified": _YES_NO,
    "return_asked": _YES_NO,
    "departed": _YES_NO,
    "arrived": _YES_NO,
    "guardian": _YES_NO,
    "best_interests": _YES_NO,
    "risk_review": _YES_NO,
    "reception_accepted": _YES_NO,
    "concern_verified": _YES_NO,
    "cpa_agreement": _YES_NO,
    "transfer_file": _YES_NO,
}
"""What an event may state (:class:`contracts.facts.Facts`), as rules see it."""

DERIVED: Final[dict[str, FactType]] = {
    "event": FactType(frozenset((UNSET, *EVENTS))),
    "emitter_role": FactType(frozenset((UNSET, *Role))),
    "emitter_country": _PLACE,
    "data_from": _PLACES,
    "emitter_side": _one("host", "origin", "other"),
    "consent_from": _one("self", "guardian", "other"),
    "assent": _YES_NO,
    "consented": FactType(frozenset((UNSET, *Purpose)), several=True),
    "nationality": _one("known", "stateless", "undetermined"),
    "origin": _PLACES,
    "origin_abroad": _PLACES,
    "place": _PLACE,
    "landing": _PLACES,
    "abroad": _YES_NO,
    "foreigner": _YES_NO,
    "actip_pair": _YES_NO,
    "lands_in_origin": _YES_NO,
    "handover_at": _PLACES,
    "baby": _YES_NO,
    "reported_by_watchdog": _YES_NO,
    "origin_told": _YES_NO,
    "reception_completed": _YES_NO,
    "rescue_open": _YES_NO,
    "deported": _YES_NO,
    "help_depends_on": _one("testimony"),
}
"""What the fold derives: from places and persons, from the record, or from events that happened."""

FACTS: Final[dict[str, FactType]] = {**STATED, **DERIVED}
"""Every fact a condition may name."""

PLACE_NAMES: Final = (
    "found_in", "place", "origin", "origin_abroad", "citizenship", "residence_at_entry", "landing", "lands_in",
    "last_seen_in", "perhaps_in", "going_to", "came_from", "emitter_country",
)  # fmt: skip
"""Facts that an address template may stand on: ``RFP@{origin}``."""

CHILD_AGES: Final = frozenset({"child", "in_doubt"})
"""Presume minority when in doubt (CRC; UNICEF Guidelines 2006)."""

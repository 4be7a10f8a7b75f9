"""What a sender states and a model alone cannot judge. The edge asks before it seals, and intake of what was crafted.

A value that passes here never makes the router stop: by then the sender has gone, and the case would stand.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from contracts.address import parse_address
from contracts.consent import Consent
from contracts.durations import check_until
from contracts.facts import Facts, HandoverPoint
from services.edge.derived_facts import known_country

COUNTRY_FACTS: Final = (
    "citizenship",
    "claims_citizenship",
    "residence_at_entry",
    "found_in",
    "last_seen_in",
    "perhaps_in",
    "going_to",
    "came_from",
    "lands_in",
)
"""Facts that hold country codes; :class:`~contracts.facts.HandoverPoint` holds two more."""


def check_consent(consent: Consent, today: date) -> None:
    """Raises InvalidInput: an address that is none, or an end that is none or lies far off."""
    for place, address in enumerate(consent.to):
        parse_address(address, f"consent.to[{place}]")
    check_until(consent.until, today, "consent.until")


def check_facts(facts: Facts, today: date, field: str) -> None:
    """``field``: the facts' path in the event.

    Raises:
        InvalidInput: a country that there is not, or an order whose end is none or lies far off.
    """
    for name in COUNTRY_FACTS:
        stated = getattr(facts, name)
        for value in [stated] if isinstance(stated, str) else stated or ():
            if value not in ("stateless", "undetermined"):
                known_country(value, f"{field}.{name}")
    if isinstance(facts.handover_point, HandoverPoint):
        for value in facts.handover_point.between or ():
            known_country(value, f"{field}.handover_point.between")
    if facts.order_until is not None:
        check_until(facts.order_until, today, f"{field}.order_until")

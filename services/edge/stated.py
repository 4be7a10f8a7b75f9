"""What a sender states and a model alone cannot judge. The edge asks before it seals, and intake of what was crafted.

A value that passes here never makes the router stop: by then the sender has gone, and the case would stand.
"""

from __future__ import annotations

from datetime import date

from contracts.address import parse_address
from contracts.consent import Consent
from contracts.durations import check_until
from contracts.facts import Facts


def check_consent(consent: Consent, today: date) -> None:
    """Raises InvalidInput: an address that is none, or an end that is none or lies far off."""
    for place, address in enumerate(consent.to):
        parse_address(address, f"consent.to[{place}]")
    check_until(consent.until, today, "consent.until")


def check_facts(facts: Facts, today: date, field: str) -> None:
    """Raises InvalidInput: an order whose end is none or lies far off. ``field``: the facts' path in the event."""
    if facts.order_until is not None:
        check_until(facts.order_until, today, f"{field}.order_until")

"""Documents that a sender hands to ``sampan submit``, about invented people."""

from __future__ import annotations

from typing import Any


def referral(**changes: Any) -> dict[str, Any]:
    """A short referral of an invented woman, as JSON values; ids and sender are left to the client."""
    document: dict[str, Any] = {
        "event": "ReferralSent",
        "occurred_at": "2026-11-23T09:30:00+07:00",
        "case": "3b1c52a8-51d4-4d0c-9a5c-6a86a0c4d001",
        "to": ["SHA@TH"],
        "purpose": "SHELTER",
        "priority": "URGENT",
        "subjects": [
            {
                "facts": {"found_in": "TH", "citizenship": ["LA"]},
                "groups": {
                    "F1": {"given_name": "Noy", "family_name": "Testperson", "ethnicity": "Lue"},
                    "F2": {"mobile_phone": "+66815550142"},
                },
            }
        ],
    }
    return document | changes


CANARIES = ("Noy", "Testperson", "+66815550142", "ReferralSent", "SHELTER")
"""What of :func:`referral` must not be found in clear outside."""

"""Dispatches, timelines, reviews and lanes as the API shows them, about invented people."""

from __future__ import annotations

from typing import Any

from tests.support.stub_server import an_id


def item(cursor: int = 1, name: str = "dispatch-1", **changes: Any) -> dict[str, Any]:
    """One inbox item, asked for and unopened."""
    shown: dict[str, Any] = {
        "cursor": cursor,
        "dispatch": str(an_id(name)),
        "event": "ReferralSent",
        "purpose": "SHELTER",
        "priority": "URGENT",
        "basis": "consent",
        "case_code": "SP-7QRM-01XB",
        "case_ref": str(an_id("case")),
        "subject_ref": str(an_id("subject")),
        "from_role": "NGO-H@TH",
        "from_agency": "Moonlight House (demo NGO, TH)",
        "groups": ["F1", "F2"],
        "items": [],
        "notes": [{"code": "non_punishment"}],
        "dated": "2026-11-23T02:30:00+00:00",
        "received_at": "2026-11-23T02:30:01+00:00",
        "acknowledge_by": "2026-11-24T05:50:00+00:00",
        "decide_by": "2026-11-26T02:30:00+00:00",
        "status": "requested",
    }
    return shown | changes


def opened(name: str = "dispatch-1", **groups: dict[str, Any]) -> dict[str, Any]:
    """What opening a dispatch yields."""
    return {
        "dispatch": str(an_id(name)),
        "groups": groups or {"F1": {"given_name": "Noy", "family_name": "Testperson"}},
        "items": {"age_group": "25-59"},
        "opened_at": "2026-11-24T02:30:00+00:00",
    }


def timeline(role: str = "owner", *entries: dict[str, Any]) -> dict[str, Any]:
    """A case's timeline; two entries of an owner's if none are given."""
    told = {
        "at": "2026-11-23T02:30:00+00:00",
        "what": "told",
        "event": "ReferralSent",
        "who": "Lotus Shelter (demo, TH)",
        "purpose": "SHELTER",
        "groups": ["F1", "F2"],
        "rules": ["R05: Consent binds what rests on it"],
        "text": "Sent to the shelter.",
        "dispatch": str(an_id("dispatch-1")),
        "status": "requested",
    }
    withheld = {
        "at": "2026-11-23T02:30:00+00:00",
        "what": "not_told",
        "event": "ReferralSent",
        "who": "Embassy of LA in TH (demo)",
        "rules": ["R21: She objects"],
        "text": "She objected.",
    }
    return {
        "case_code": "SP-K7RM-0001",
        "case_ref": str(an_id("case")),
        "role": role,
        "subjects": [str(an_id("subject"))],
        "entries": list(entries) or [told, withheld],
    }


def review(**changes: Any) -> dict[str, Any]:
    """A review that waits."""
    shown: dict[str, Any] = {
        "review": str(an_id("review")),
        "desk": "IDA@TH",
        "case_code": "SP-K7RM-0001",
        "event": "ReferralSent",
        "opened_at": "2026-11-23T02:30:00+00:00",
        "deadline_at": "2026-11-25T02:30:00+00:00",
        "reason": "Fear of the state was recorded.",
        "rules": ["R28"],
        "asks": ["Is it safe to tell the embassy?"],
        "options": ["release", "refuse"],
    }
    return shown | changes


def lane(**changes: Any) -> dict[str, Any]:
    """A parked lane."""
    shown: dict[str, Any] = {
        "lane": str(an_id("lane")),
        "recipient": "rfp-kh",
        "channel": "primero",
        "waiting": 2,
        "state": "parked",
        "attempts": 7,
        "next_attempt_at": None,
        "error_code": "connection-refused",
    }
    return shown | changes

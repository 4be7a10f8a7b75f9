"""Folds what a record says into the facts of a subject. Facts may be dated: a child until a day."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from contracts.durations import add, parse_duration
from contracts.events import EVENTS
from routing.state import HeldEvent, Json, Recorded, SubjectState
from routing.view import country_of

_ITEM: Final = "item:"

CARE_WINDOW_HOURS: Final = 72
"""Hours from the incident within which medical care against infection and pregnancy works (R42)."""

IMPLIED: Final[dict[str, dict[str, Any]]] = {
    "VictimIdentified": {"identified": True},
    "IdentificationRecognised": {"identified": True},
    "IdentificationRefused": {"identified": False},
    "NotificationObjected": {"notify_origin": "objection"},
    "ObjectionLifted": {"notify_origin": "no_objection"},
    "ConsularContactRequested": {"consular": "asked"},
    "AsylumClaimRaised": {"asylum": "claimed"},
    "ProtectionFreezeSet": {"frozen": True},
    "StatelessnessIndicated": {"citizenship": "undetermined"},
    "ReturnConsentConfirmed": {"return_asked": True},
    "ReturnPlanProposed": {"return_asked": True},
    "ReturnClearanceRequested": {"return_asked": True},
    "ReturnDeparted": {"departed": True},
    "HandoverCompleted": {"departed": True, "arrived": True},
    "ReceptionCompleted": {"departed": True, "arrived": True, "reception_completed": True},
    "ReceptionAccepted": {"reception_accepted": True},
    "EscortAssigned": {"escort": "named"},
    "GuardianAppointed": {"guardian": True},
    "BestInterestsAssessed": {"best_interests": True},
    "RiskReviewed": {"risk_review": True},
    "FamilyReturnUnsafe": {"family": "unsafe"},
    "ConcernReported": {"reported_by_watchdog": True},
    "MissingPersonReported": {"reported_by_watchdog": True},
    "ConcernVerified": {"concern_verified": True},
    "TransferBasisRecorded": {"transfer_file": True},
    "RemovalScheduled": {"removal": "scheduled"},
    "RemovalSuspended": {"removal": "suspended"},
    "PersonRemoved": {"removed": True},
    "DetaineeReleasedToShelter": {"detained": "none"},
    "CompensationClaimed": {"proceedings": "claim_open"},
    "CompensationAwarded": {"proceedings": "awarded_unpaid"},
    "CompensationPaid": {"proceedings": "paid"},
    "TravelDocumentIssued": {"papers": "held"},
    "OnwardTravelChosen": {"declined": True},
    "RescuePlanned": {"rescue_open": True},
    "PersonRemovedFromHarm": {"rescue_open": False},
    "RescueFailed": {"rescue_open": False},
}
"""Facts that an event states by happening; what its sender states beside it prevails."""

INHERITED: Final = (
    "citizenship", "claims_citizenship", "residence_at_entry", "found_in", "detained", "last_seen_in",
)  # fmt: skip
"""A baby's are its mother's until it has its own."""

STRICTER: Final[dict[str, tuple[Any, ...]]] = {
    "notify_origin": ("objection",), "consular": ("opposes",), "asylum": ("claimed", "fear"), "frozen": (True,),
}  # fmt: skip
"""Her objections are the baby's too, whatever the baby's own record says."""


def folded(facts: Json, record: Recorded, zone: ZoneInfo, overtaken: Collection[str] = ()) -> Json:
    """The facts after a record. Nothing is changed in place.

    Args:
        overtaken: facts of a record that waited about which later ones have spoken: those prevail.
    """
    said = said_by(facts, record)
    if overtaken:
        said = {name: value for name, value in said.items() if name not in overtaken}
    born_here = record.child_of is not None and "age" not in facts
    if not said and not born_here:
        return facts
    made = {**facts, **said}
    _date_age(made, said, record, zone)
    _date_incident(made, said, record)
    _date_order(made, said, record, zone)
    return made


def said_by(facts: Json, record: Recorded) -> Json:
    """The facts that a record states, by happening or in words."""
    said = {**IMPLIED.get(record.event, {}), **record.facts}
    if record.event == "StatelessnessIndicated" and "citizenship" in facts and "citizenship" not in record.facts:
        said["citizenship"] = facts["citizenship"] if isinstance(facts["citizenship"], str) else "undetermined"
    role = (record.emitter_address or "").partition("@")[0]
    if said.get("trafficking_status") == "ActualVictimOfTrafficking" and role == "IDA":
        said.setdefault("identified", True)
    if record.event == "CrossBorderEnquiryMade" and role == "CPA":
        said.setdefault("cpa_agreement", True)
    if record.event == "VictimIdentified":
        said.setdefault("trafficking_status", "ActualVictimOfTrafficking")
    return said


def _date_age(made: Json, said: Json, record: Recorded, zone: ZoneInfo) -> None:
    age = said.get("age")
    if isinstance(age, int) and not isinstance(age, bool):
        today = record.recorded_at.astimezone(zone).date()
        made["age"] = "dated"
        made["child_until"] = said.get("child_until") or _years_on(today, 18 - age).isoformat()
    elif "child_until" in said and age is None:
        made["age"] = "dated"
    if record.child_of is not None and "age" not in made:
        made["age"] = "dated"
        made["child_until"] = _years_on(record.recorded_at.astimezone(zone).date(), 18).isoformat()


def _years_on(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)


def _date_incident(made: Json, said: Json, record: Recorded) -> None:
    stated = said.get("sexual_violence")
    if isinstance(stated, dict):
        made["sexual_violence"] = True
        ends = record.occurred_at + timedelta(hours=CARE_WINDOW_HOURS - float(stated["hours_ago"]))
        made["care_ends"] = ends.astimezone(UTC).isoformat()


def _date_order(made: Json, said: Json, record: Recorded, zone: ZoneInfo) -> None:
    stated = said.get("order_until")
    if not isinstance(stated, str):
        return
    if stated[:4].isdigit() and "-" in stated:
        end = datetime.combine(date.fromisoformat(stated) + timedelta(days=1), datetime.min.time(), zone)
    else:
        end = add(record.recorded_at, parse_duration(stated), zone)
    made["order_ends"] = end.astimezone(UTC).isoformat()


def with_mother(facts: Json, mother: SubjectState | None) -> Json:
    """A baby's facts with its mother's place, custody, origin and objections."""
    if mother is None:
        return facts
    made: Json = {k: mother.facts[k] for k in INHERITED if k in mother.facts}
    made.update(facts)
    for fact, words in STRICTER.items():
        if mother.facts.get(fact) in words:
            made[fact] = mother.facts[fact]
    return made


def overtake(earlier: Iterable[HeldEvent], facts: Json, record: Recorded) -> None:
    """Notes at each record that waits and is older what this accepted one speaks about: it is the newer word."""
    stated = [*said_by(facts, record), *record.slots, *(_ITEM + item for item in record.items)]
    if "age" in stated or "child_until" in stated:
        stated += ["age", "child_until"]
    for held in earlier:
        held.overtaken = sorted({*held.overtaken, *stated})


def remember(state: SubjectState, record: Recorded, overtaken: Collection[str] = ()) -> None:
    """Notes an accepted record: that it happened, its slots (newer ones stay), and who asked."""
    event = EVENTS[record.event]
    state.seen[record.event] = record.event_id
    slots = {group: slot for group, slot in record.slots.items() if group not in overtaken}
    state.slots = {**state.slots, **slots}
    state.slot_from = {**state.slot_from, **dict.fromkeys(slots, country_of(record))}
    state.items = {**state.items, **{i: slot for i, slot in record.items.items() if _ITEM + i not in overtaken}}
    if event.kind in ("request", "proposal") and record.emitter:
        state.requests[event.row] = (record.emitter, record.emitter_address or "")
    if record.emitter == record.owner and record.emitter_address:
        state.owner_address = record.emitter_address

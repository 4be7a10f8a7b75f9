"""A routing engine that says what a test tells it to say, to prove that the checker looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from contracts.address import parse_address
from contracts.case_record import CaseRecord
from contracts.decision import (
    DeadlineSet,
    Decision,
    Denied,
    Dispatch,
    Fired,
    Held,
    Note,
    ReviewOpened,
    RuleRef,
    SlotRef,
    Step,
    Timer,
    Warn,
)
from services.scenario.engine_driver import NAMESPACE, EngineDriver
from services.scenario.resolver import DirectoryResolver
from tests.support.region import region_directory

Script = Mapping[str, Callable[[CaseRecord], Mapping[str, Any]]]
"""Event name → what to conclude: fields of Decision, and ``timers``."""


def rules(*names: str) -> tuple[RuleRef, ...]:
    """References to rules of one version."""
    return tuple(RuleRef(name, "2026-01-01") for name in names)


def slug_of(address: str) -> str:
    """The one agency that holds an address in the sample region."""
    found = region_directory().resolve(parse_address(address), _ANY_TIME)
    assert len(found) == 1, f"{address} names {len(found)} agencies"
    return found[0].slug


def dispatch(record: CaseRecord, address: str, groups: str = "", **more: Any) -> Dispatch:
    """A dispatch of the record's event; groups as in ``"F1 F2"``."""
    recipient = more.pop("recipient", None) or slug_of(address)
    made = {g: record.slots.get(g, SlotRef(record.event_id, uuid5(NAMESPACE, g))) for g in groups.split()}
    fields: dict[str, Any] = {
        "dispatch_id": uuid5(record.event_id, recipient + str(record.subject) + more.get("event", "")),
        "case_id": record.case_id,
        "subject": record.subject,
        "event_id": record.event_id,
        "event": record.event,
        "recipient": recipient,
        "address": address,
        "purpose": "SHELTER",
        "basis": "consent",
        "priority": "ROUTINE",
        "groups": made,
        "dated": record.recorded_at,
    }
    return Dispatch(**(fields | more))


def held(record: CaseRecord, **more: Any) -> Held:
    """A hold of the record's event."""
    return Held(event=record.event, event_id=record.event_id, **more)


def denied(record: CaseRecord, **more: Any) -> Denied:
    """A denial of the record's event."""
    return Denied(event=record.event, event_id=record.event_id, **more)


def scripted(script: Script, fold: Mapping[str, Any] | None = None) -> EngineDriver:
    """A pure driver over the scripted engine; what the script leaves out is accepted without effect."""

    def step(state: bytes | None, record: CaseRecord, law: Any, kin: Mapping[UUID, bytes]) -> Step:
        say = dict(script[record.event](record)) if record.event in script else {}
        kept = msgspec.msgpack.decode(state, type=list[Timer]) if state else []
        timers = (*(t for t in kept if t.timer_id != record.timer_id), *say.pop("timers", ()))
        fields: dict[str, Any] = {
            "event_id": record.event_id,
            "event": record.event,
            "case_id": record.case_id,
            "subject": record.subject,
            "decided_at": record.recorded_at,
            "outcome": "accepted",
        }
        return Step(state=msgspec.msgpack.encode(timers), decision=Decision(**(fields | say)), timers=timers)

    resolver = DirectoryResolver(region_directory())
    return EngineDriver(step, None, resolver, (lambda state: fold) if fold else None)


_ANY_TIME = datetime.fromisoformat("2026-03-02T02:00+00:00")

__all__ = [
    "DeadlineSet", "Fired", "Note", "ReviewOpened", "Script", "Timer", "Warn", "denied", "dispatch", "held",
    "rules", "scripted", "slug_of",
]  # fmt: skip

"""What the pure driver keeps in memory of subjects, dispatches and steps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.decision import Dispatch, Timer
from services.scenario.driver import View

SIZE_CLASSES = (256, 1024, 4096, 16384)


@dataclass(slots=True)
class Subject:
    """What router, vault and intake know of one subject."""

    id: UUID
    label: str
    case: UUID
    child_of: UUID | None = None
    state: bytes | None = None
    timers: tuple[Timer, ...] = ()
    slots: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    labels: dict[UUID, str] = field(default_factory=dict)


@dataclass(slots=True)
class Received:
    """A dispatch as the recipient's side has it."""

    dispatch: Dispatch
    received_at: datetime
    groups: set[str]
    items: set[str]
    recalled: bool = False


@dataclass(slots=True)
class Told:
    """What became of one step: the events and who emitted them."""

    event_ids: list[UUID] = field(default_factory=list)
    subjects: list[UUID] = field(default_factory=list)


def opens(received: Received, subject: Subject, groups: set[str], now: datetime) -> bool:
    """Whether every group is granted still, in time, and its slot not erased."""
    expired = received.dispatch.expires_at is not None and received.dispatch.expires_at <= now
    present = {group for group, ref in received.dispatch.groups.items() if ref.slot_id in subject.slots}
    return not expired and groups <= (received.groups & present)


def view_of(received: Received, subject: Subject) -> View:
    """What the recipient sees; the size is what padding would make of the groups."""
    dispatch = received.dispatch
    refs = [ref.slot_id for ref in dispatch.groups.values() if ref.slot_id in subject.slots]
    sizes = [len(json.dumps(subject.slots[slot])) for slot in refs]
    return View(
        dispatch_id=dispatch.dispatch_id,
        event=dispatch.event,
        purpose=dispatch.purpose,
        basis=dispatch.basis,
        priority=dispatch.priority,
        groups=tuple(sorted(received.groups)),
        items=tuple(sorted(received.items)),
        notes=tuple(sorted(note.code for note in dispatch.notes)),
        dated=dispatch.dated,
        received_at=received.received_at,
        size=sum(next((c for c in SIZE_CLASSES if size <= c), SIZE_CLASSES[-1]) for size in sizes),
        recalled=received.recalled,
    )

"""What the engine driver keeps in memory of subjects, dispatches and steps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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

    emitter: str = ""
    event_ids: list[UUID] = field(default_factory=list)
    subjects: list[UUID] = field(default_factory=list)


PATIENCE = {"EMERGENCY": timedelta(minutes=1), "URGENT": timedelta(minutes=8), "ROUTINE": timedelta(hours=28)}
"""After how long a lane that finds nobody parks and says so, about as services/delivery/retry.py has it."""


class EngineLines:
    """Lines to agencies, and what waits on those that are cut."""

    def __init__(self) -> None:
        self._cut: set[str] = set()
        self._waiting: list[tuple[datetime, Dispatch]] = []

    def cut(self, agency: str) -> None:
        """From now on nothing reaches that agency."""
        self._cut.add(agency)

    def mend(self, agency: str) -> bool:
        """What waited arrives. False: the line was not cut."""
        if agency not in self._cut:
            return False
        self._cut.discard(agency)
        self._waiting = [one for one in self._waiting if one[1].recipient != agency]
        return True

    def sent(self, dispatch: Dispatch, at: datetime) -> None:
        """A dispatch leaves by machine; on a cut line it will be given up."""
        if dispatch.recipient in self._cut and dispatch.via is None:
            self._waiting.append((at + PATIENCE[dispatch.priority], dispatch))

    def next_at(self) -> datetime | None:
        """When the next one is given up."""
        return min((at for at, _ in self._waiting), default=None)

    def give_up(self) -> Dispatch:
        """Takes out the next one."""
        first = min(self._waiting, key=lambda one: one[0])
        self._waiting.remove(first)
        return first[1]


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

"""Plays records of one subject through the engine, for tests of rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from contracts.address import parse_address
from contracts.case_record import AnswerTo, CaseRecord, ReviewAnswer
from contracts.consent import Consent
from contracts.decision import Decision, Dispatch, SlotRef, Step
from contracts.facts import Facts
from routing.law import Law
from routing.step import step
from tests.support.pure_law import sample_law

SPACE = UUID("0d6f2f0c-6f6c-4f0e-9d0c-1f6c2f5d9a10")
START = datetime(2026, 3, 2, 2, tzinfo=UTC)
HELP = {"purposes": ["IDENTIFY", "SHELTER", "MEDICAL", "LEGAL"], "to": ["any@TH"], "until": "90d",
        "groups": ["F0", "F1", "F2", "F5", "F6", "F7", "F12"]}  # fmt: skip


class Play:
    """One subject's story. ``owner`` opens the case; instants are hours after :data:`START`."""

    def __init__(self, owner: str = "NGO-H@TH", law: Law | None = None, name: str = "subject") -> None:
        self.law = law or sample_law()
        self.subject, self.case = uuid5(SPACE, name), uuid5(SPACE, f"case of {name}")
        self.owner = self.slug(owner)
        self.state: bytes | None = None
        self.child_of: UUID | None = None
        self.kin: Mapping[UUID, bytes] = {}
        self.steps: list[Step] = []
        self.records: list[CaseRecord] = []
        self.hours = 0.0

    def slug(self, address: str) -> str:
        """Who holds an address."""
        return self.law.directory.resolve(parse_address(address), START)[0].slug

    def emit(
        self, event: str, by: str | None, facts: Mapping[str, Any] | None = None, *,
        seal: tuple[str, ...] = (), consent: Mapping[str, Any] | None = None, **more: Any,
    ) -> Decision:  # fmt: skip
        """One record; returns the decision."""
        number = len(self.records)
        event_id = uuid5(SPACE, f"{self.subject}/{number}")
        slots = {g: SlotRef(event_id, uuid5(event_id, g)) for g in seal}
        record = CaseRecord(
            event_id=event_id, event=event, case_id=self.case, case_subjects=(self.subject,), subject=self.subject,
            child_of=self.child_of, emitter=self.slug(by) if by else None, emitter_address=by, owner=self.owner,
            occurred_at=self.now, recorded_at=self.now, facts=Facts(**(facts or {})),
            consent=Consent.model_validate({"from": "self", **consent}) if consent else None,
            slots={g: ref for g, ref in slots.items() if g.startswith("F")},
            items={g: ref for g, ref in slots.items() if not g.startswith("F")}, **more,
        )  # fmt: skip
        return self.record(record)

    def record(self, record: CaseRecord) -> Decision:
        """A ready record."""
        done = step(self.state, record, self.law, self.kin)
        self.state = done.state
        self.steps.append(done)
        self.records.append(record)
        return done.decision

    def wait(self, hours: float) -> list[Decision]:
        """Time passes; what comes due on the way is decided."""
        end, found = self.hours + hours, []
        while self.steps and self.steps[-1].timers:
            timer = self.steps[-1].timers[0]
            if timer.at > START + timedelta(hours=end):
                break
            self.hours = (timer.at - START).total_seconds() / 3600
            found.append(self.emit("DeadlineDue", None, timer_id=timer.timer_id))
        self.hours = end
        return found

    def answer(self, event: str, by: str, dispatch: Dispatch, **more: Any) -> Decision:
        """An answer to a dispatch."""
        return self.emit(event, by, answer=AnswerTo(dispatch_id=dispatch.dispatch_id, **more))

    def review(self, action: str, by: str, review_id: UUID | None = None, **more: Any) -> Decision:
        """A person's answer at a review desk."""
        return self.emit("ReviewResolved", by, review=ReviewAnswer(review_id=review_id, action=action, **more))

    @property
    def now(self) -> datetime:
        """The story's instant."""
        return START + timedelta(hours=self.hours)


def told(decision: Decision) -> dict[str, Dispatch]:
    """Dispatches by the role at which they are told."""
    return {d.address: d for d in decision.dispatches}


def cited(thing: Any) -> set[str]:
    """Ids of the rules that a decision (or a part of it) cites."""
    refs = thing.rules_fired if isinstance(thing, Decision) else thing.rules
    return {ref.id for ref in refs}

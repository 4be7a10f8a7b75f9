"""Plays scenarios on the routing engine alone: no seal, no log, no services, all in memory.

It does what router and intake do around ``routing.step``: keeps each subject's state, timers, newest slots
and grants, and hands every record to the engine, one subject at a time, mothers before their babies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec

from contracts.address import parse_address
from contracts.case_record import AnswerTo, CaseRecord, ReviewAnswer
from contracts.decision import Dispatch, ReviewOpened, SlotRef, Step
from contracts.events import EVENTS
from contracts.open_event import ANSWER_EVENTS
from services.scenario.driver import (
    Answering,
    Decided,
    Emission,
    Entry,
    Resolver,
    Reviewing,
    StepResult,
    View,
)
from services.scenario.engine_memory import EngineLines, Received, Subject, Told, opens, view_of

NAMESPACE = UUID("6f3a1c52-6d0e-4b59-8f1e-0f6f0c5a7a11")
_ANSWERS = frozenset(ANSWER_EVENTS.values())
_SEVERITY = ("accepted", "held", "refused", "denied")

StepFunction = Callable[[bytes | None, CaseRecord, Any, Mapping[UUID, bytes]], Step]


class EngineDriver:
    """One run in memory. ``step`` is ``routing.step.step``, ``law`` its third argument."""

    def __init__(
        self,
        step: StepFunction,
        law: Any,
        resolver: Resolver,
        fold: Callable[[bytes], Mapping[str, Any]] | None = None,
    ) -> None:
        self._step, self._law, self.agencies = step, law, resolver
        self._fold = fold
        self.decisions: list[Decided] = []
        self._reset(None)

    def _reset(self, at: datetime | None) -> None:
        self._now = at
        self._subjects: dict[UUID, Subject] = {}
        self._by_label: dict[str, UUID] = {}
        self._owners: dict[UUID, str] = {}
        self._told: dict[str, Told] = {}
        self._received: dict[UUID, Received] = {}
        self._broken: list[str] = []
        self._count = 0
        self._lines = EngineLines()
        self.decisions.clear()

    async def start(self, at: datetime) -> None:
        self._reset(at)

    async def advance(self, to: datetime) -> None:
        for _ in range(10_000):
            due = sorted(
                (
                    (timer.at, index, timer.timer_id, subject)
                    for index, subject in enumerate(self._subjects.values())
                    for timer in subject.timers
                ),
                key=lambda one: (one[0], one[1], one[2].bytes),
            )
            lost_at = self._lines.next_at()
            if lost_at is not None and lost_at <= to and (not due or lost_at <= due[0][0]):
                self._give_up(lost_at)
                continue
            if not due or due[0][0] > to:
                self._now = to
                return
            at, _, timer_id, subject = due[0]
            self._now = max(at, self._clock())
            self._apply(
                subject,
                self._record("DeadlineDue", self._new_id("due", timer_id), subject, timer_id=timer_id),
            )
            if any(t.timer_id == timer_id and t.at <= at for t in subject.timers):
                raise AssertionError("a timer that was due stayed open, unmoved")
        raise AssertionError("timers never end")

    def _give_up(self, at: datetime) -> None:
        dispatch, self._now = self._lines.give_up(), max(at, self._clock())
        subject = self._subjects[dispatch.subject]
        event_id = self._new_id("lost", dispatch.dispatch_id)
        self._apply(
            subject, self._record("DeliveryFailed", event_id, subject, dispatch_id=dispatch.dispatch_id)
        )

    async def emit(self, emission: Emission) -> StepResult:
        kind = EVENTS[emission.event]
        if set(kind.emitters) == {"sampan"} or (emission.event in _ANSWERS and emission.event != "MessageRecalled"):
            return StepResult("refused", why="intake takes this event from no agency, or only as an answer")
        event_id = self._new_id(emission.step)
        entries = emission.entries
        subjects = [self._subject(entry, emission.emitter) for entry in entries]
        told = self._told.setdefault(emission.step, Told())
        told.event_ids.append(event_id)
        told.emitter = emission.emitter
        if not subjects:
            nobody = Subject(self._new_id("nobody", event_id), "", self._new_id("case", event_id))
            self._owners[nobody.case] = emission.emitter
            self._subjects[nobody.id] = nobody
            return StepResult(
                self._apply(nobody, self._emitted(emission, event_id, nobody, None, ())), (event_id,)
            )
        ids = tuple(subject.id for subject in subjects)
        outcomes = []
        for entry, subject in zip(entries, subjects, strict=True):
            told.subjects.append(subject.id)
            outcomes.append(self._apply(subject, self._emitted(emission, event_id, subject, entry, ids)))
        worst = max(outcomes, key=_SEVERITY.index)
        if emission.event == "CaseTransferred" and worst == "accepted" and emission.to:
            new = self.agencies.slugs(parse_address(emission.to[0]), self._clock())
            for subject in subjects:
                self._owners[subject.case] = min(new, default=emission.emitter)
        return StepResult(worst, (event_id,))

    async def answer(self, answering: Answering) -> StepResult:
        asked = self._told.get(answering.to, Told())
        sent = [h.dispatch for h in self._received.values() if h.dispatch.event_id in asked.event_ids]
        dispatches = [one for one in sent if one.recipient == answering.answerer]
        if answering.kind == "recall" and asked.emitter == answering.answerer:
            dispatches = dispatches or sent  # whoever sent it takes it back
        if not dispatches:
            return StepResult(
                "unplayable", why=f"step '{answering.to}' told {answering.acting_as} nothing to answer"
            )
        event_id = self._new_id(answering.step)
        told = self._told.setdefault(answering.step, Told())
        told.event_ids.append(event_id)
        outcomes = []
        for dispatch in _newest_per_subject(dispatches):
            subject = self._subjects[dispatch.subject]
            told.subjects.append(subject.id)
            record = self._record(
                ANSWER_EVENTS[answering.kind],
                event_id,
                subject,
                emitter=answering.entered_by or answering.answerer,
                emitter_address=answering.entered_as or answering.acting_as,
                answer=AnswerTo(
                    dispatch_id=dispatch.dispatch_id,
                    code=answering.code,
                    reported_how=answering.reported_how,
                    reported_by=answering.entered_by,
                ),
                dispatch_id=dispatch.dispatch_id,
            )
            outcomes.append(self._apply(subject, record))
        return StepResult(max(outcomes, key=_SEVERITY.index), (event_id,))

    async def review(self, reviewing: Reviewing) -> StepResult:
        told = self._told.get(reviewing.of, Told())
        event_id = self._new_id(reviewing.step)
        self._told.setdefault(reviewing.step, Told()).event_ids.append(event_id)
        outcomes = []
        for subject_id in dict.fromkeys(told.subjects):
            review = self._open_review(told.event_ids, subject_id)
            answer = ReviewAnswer(
                review_id=review.review_id if review else None,
                of_event=told.event_ids[-1],
                action=reviewing.action,
                second=reviewing.second,
                limit=reviewing.limit,
            )
            subject = self._subjects[subject_id]
            record = self._record(
                "ReviewResolved",
                event_id,
                subject,
                emitter=reviewing.reviewer,
                emitter_address=reviewing.acting_as,
                review=answer,
            )
            outcomes.append(self._apply(subject, record))
        if not outcomes:
            return StepResult("unplayable", why=f"step '{reviewing.of}' left nothing to review")
        return StepResult(max(outcomes, key=_SEVERITY.index), (event_id,))

    async def open(self, step: str, of: str, reader: str, groups: tuple[str, ...]) -> StepResult:
        events = self._told.get(of, Told()).event_ids
        held = [
            h
            for h in self._received.values()
            if h.dispatch.event_id in events and h.dispatch.recipient == reader
        ]
        refused = [
            h
            for h in held
            if not opens(h, self._subjects[h.dispatch.subject], set(groups) - {"F0"}, self._clock())
        ]
        if held and not refused:
            return StepResult("accepted")
        event_id = self._new_id(step)
        for one in refused:
            subject = self._subjects[one.dispatch.subject]
            self._apply(
                subject,
                self._record("DisclosureRefused", event_id, subject, dispatch_id=one.dispatch.dispatch_id),
            )
        return StepResult("denied", (event_id,))

    async def fault(self, down: bool, agency: str) -> StepResult:
        if down:
            self._lines.cut(agency)
        elif not self._lines.mend(agency):
            return StepResult("unplayable", why=f"the line to {agency} was not down")
        return StepResult("accepted")

    def owner(self, person: str) -> str | None:
        subject = self._by_label.get(person)
        return self._owners.get(self._subjects[subject].case) if subject else None

    async def views(self, agency: str) -> tuple[View, ...]:
        return tuple(
            view_of(h, self._subjects[h.dispatch.subject])
            for h in self._received.values()
            if h.dispatch.recipient == agency
        )

    async def facts(self, person: str) -> Mapping[str, Any] | None:
        subject = self._by_label.get(person)
        state = self._subjects[subject].state if subject else None
        return self._fold(state) if self._fold and state is not None else None

    async def readable_groups(self, person: str) -> frozenset[str] | None:
        subject = self._by_label.get(person)
        return frozenset(self._subjects[subject].labels.values()) if subject else frozenset()

    async def audit(self, planted: frozenset[str]) -> Sequence[str]:
        written = msgspec.json.encode([d.decision for d in self.decisions])
        leaks = [
            f"a planted value stands in a decision ({len(v)} characters)"
            for v in sorted(planted)
            if v.encode() in written
        ]
        return [*self._broken, *leaks]

    async def close(self) -> None:
        self._reset(None)

    # -- one record through the engine

    def _apply(self, subject: Subject, record: CaseRecord) -> str:
        kin = {}
        if subject.child_of is not None and subject.child_of in self._subjects:
            state = self._subjects[subject.child_of].state
            kin = {subject.child_of: state} if state is not None else {}
        step = self._step(subject.state, record, self._law, kin)
        again = self._step(subject.state, record, self._law, kin)
        if msgspec.msgpack.encode(again.decision) != msgspec.msgpack.encode(step.decision):
            self._broken.append(f"the receipt of {record.event} does not re-evaluate to the same bytes")
        subject.state, subject.timers = step.state, step.timers
        decision = step.decision
        self.decisions.append(Decided(subject.label or None, decision))
        for dispatch in sorted(decision.dispatches, key=lambda d: d.order):
            self._receive(dispatch, record.recorded_at)
        for regrant in decision.regrants:
            held = self._received.get(regrant.dispatch_id)
            if held is not None:
                held.groups, held.items = held.groups & set(regrant.groups), held.items & set(regrant.items)
                held.recalled = held.recalled or regrant.recalled
        for slot, label in list(subject.labels.items()):
            if label in decision.erase_groups:
                del subject.labels[slot], subject.slots[slot]
        return decision.outcome

    def _receive(self, dispatch: Dispatch, at: datetime) -> None:
        if dispatch.dispatch_id in self._received:
            self._broken.append(f"{dispatch.event} was dispatched twice to {dispatch.address}")
        self._lines.sent(dispatch, at)
        self._received[dispatch.dispatch_id] = Received(
            dispatch, at, set(dispatch.groups), set(dispatch.items)
        )

    def _record(self, event: str, event_id: UUID, subject: Subject, **more: Any) -> CaseRecord:
        base: dict[str, Any] = {
            "event_id": event_id,
            "event": event,
            "case_id": subject.case,
            "case_subjects": (subject.id,),
            "subject": subject.id,
            "child_of": subject.child_of,
            "emitter": None,
            "emitter_address": None,
            "owner": self._owners[subject.case],
            "occurred_at": self._clock(),
            "recorded_at": self._clock(),
        }
        return CaseRecord(**(base | more))

    def _emitted(
        self,
        emission: Emission,
        event_id: UUID,
        subject: Subject,
        entry: Entry | None,
        ids: tuple[UUID, ...],
    ) -> CaseRecord:
        slots = {}
        items = {}
        for group, values in (entry.groups if entry else {}).items():
            slots[group] = self._seal(subject, event_id, group, values)
            if group == "F1" and ("birth_date" in values or "age_years" in values):
                items["age_group"] = self._seal(subject, event_id, "age_group", {})
        return self._record(
            emission.event,
            event_id,
            subject,
            emitter=emission.emitter,
            emitter_address=emission.acting_as,
            case_subjects=ids,
            to=emission.to,
            purpose=emission.purpose,
            consent=emission.consent,
            slots=slots,
            items=items,
            **({"facts": entry.facts} if entry else {}),
        )

    def _seal(self, subject: Subject, event_id: UUID, label: str, values: Mapping[str, Any]) -> SlotRef:
        slot = self._new_id("slot", event_id, subject.id, label)
        subject.slots[slot], subject.labels[slot] = dict(values), label
        return SlotRef(event_id, slot)

    def _subject(self, entry: Entry, emitter: str) -> Subject:
        known = self._by_label.get(entry.person)
        if known is not None:
            return self._subjects[known]
        mother = self._by_label.get(entry.child_of) if entry.child_of else None
        subject = Subject(
            self._new_id("person", entry.person), entry.person, self._new_id("case", entry.case), mother
        )
        self._subjects[subject.id] = subject
        self._by_label[entry.person] = subject.id
        owner = self._owners[self._subjects[mother].case] if mother else emitter
        self._owners.setdefault(subject.case, owner)
        return subject

    def _open_review(self, event_ids: list[UUID], subject: UUID) -> ReviewOpened | None:
        closed = {rid for d in self.decisions for rid in d.decision.reviews_closed}
        found = [
            review
            for d in self.decisions
            for review in d.decision.reviews
            if d.decision.subject == subject
            and review.event_id in event_ids
            and review.review_id not in closed
        ]
        return found[-1] if found else None

    def _clock(self) -> datetime:
        assert self._now is not None, "start the run first"
        return self._now

    def _new_id(self, *parts: object) -> UUID:
        return uuid5(NAMESPACE, "/".join(str(part) for part in parts))


def _newest_per_subject(dispatches: list[Dispatch]) -> list[Dispatch]:
    return list({dispatch.subject: dispatch for dispatch in dispatches}.values())

"""Plays a scenario on the real services: sealed at an edge, through intake, router and delivery."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.errors import NotFound, SampanError
from contracts.ids import new_id
from contracts.open_event import ANSWER_EVENTS, OpenEvent, SubjectEntry
from contracts.open_event import Answer as OpenAnswer
from contracts.open_event import Reported as OpenReported
from contracts.roles import Group
from contracts.sealing import SigningKey
from services.assembly.instance import Instance
from services.edge.prepare import SenderKeys, prepare
from services.runtime import registry
from services.runtime.clock import ManualClock
from services.runtime.registry import Caller
from services.scenario.driver import Answering, Decided, Emission, Entry, Reviewing, StepResult, View
from services.scenario.instance_reading import InstanceReading, Told
from services.scenario.lines import Lines
from services.scenario.resolver import DirectoryResolver
from services.vault.errors import GateClosed, StaleTicket

_SEVERITY: Final = ("accepted", "held", "refused", "denied")
_MOST_TURNS: Final = 5_000


class InstanceDriver:
    """One run on one instance whose clock it moves."""

    def __init__(self, instance: Instance, clock: ManualClock, owner_dsn: str, lines: Lines) -> None:
        self._instance, self._clock, self._lines = instance, clock, lines
        self._directory = instance.edges.directory
        self.agencies = DirectoryResolver(self._directory)
        self._reading = InstanceReading(instance, owner_dsn)
        self._keys: dict[str, SenderKeys] = {}
        self._steps: dict[str, list[UUID]] = {}

    @property
    def decisions(self) -> list[Decided]:
        """See :class:`~services.scenario.driver.Driver`."""
        return self._reading.decisions

    async def start(self, at: datetime) -> None:
        """See :class:`~services.scenario.driver.Driver`."""
        self._clock.move_to(at)

    async def advance(self, to: datetime) -> None:
        """See :class:`~services.scenario.driver.Driver`."""
        for _ in range(_MOST_TURNS):
            due = await self._instance.next_at()
            if due is None or due > to:
                break
            self._clock.move_to(max(due, self._clock.now()))
            await self._settle()
        else:
            raise SampanError("the clock does not come to rest", code="scenario-restless")
        self._clock.move_to(to)
        await self._settle()

    async def emit(self, emission: Emission) -> StepResult:
        """See :class:`~services.scenario.driver.Driver`."""
        entries = [self._subject(entry) for entry in emission.entries]
        case = self._case_of(emission.entries) if emission.entries else self._id()
        event = OpenEvent(
            event=emission.event,
            event_id=self._id(),
            submission_id=self._id(),
            occurred_at=self._clock.now(),
            sender=emission.emitter,
            acting_as=emission.acting_as or None,
            case=str(case),
            subjects=entries,
            to=list(emission.to),
            purpose=emission.purpose,
            consent=emission.consent,
        )
        return await self._submit(emission.step, [event], emission.emitter)

    async def answer(self, answering: Answering) -> StepResult:
        """See :class:`~services.scenario.driver.Driver`."""
        recipient = self._directory.by_slug(answering.answerer).agency_id
        told = await self._reading.told(self._steps.get(answering.to, []), recipient)
        sender = answering.entered_by or answering.answerer
        takes_back = not told and answering.kind == "recall"
        if takes_back:
            told = await self._reading.sent(self._steps.get(answering.to, []), recipient)
        if not told:
            return StepResult(
                "unplayable", why=f"step '{answering.to}' told {answering.acting_as} nothing to answer"
            )
        events = [self._answer_event(answering, one, sender, takes_back=takes_back) for one in told]
        return await self._submit(answering.step, events, sender)

    async def review(self, reviewing: Reviewing) -> StepResult:
        """See :class:`~services.scenario.driver.Driver`."""
        waiting = await self._reading.open_reviews(self._steps.get(reviewing.of, []))
        if not waiting:
            return StepResult("unplayable", why=f"step '{reviewing.of}' left nothing to review")
        agency = self._directory.by_slug(reviewing.reviewer).agency_id
        before = len(self.decisions)
        for review_id, has_desk in waiting:
            scopes = {registry.AGENCY_SCOPE} if has_desk else {registry.AGENCY_SCOPE, registry.OPERATOR_SCOPE}
            await self._instance.reviews.resolve(
                Caller(agency, frozenset(scopes)),
                review_id,
                reviewing.action,
                reviewing.reason or "as the scenario says",
                reviewing.second,
                reviewing.limit,
            )
        await self._settle()
        return self._result(reviewing.step, before)

    async def open(self, step: str, of: str, reader: str, groups: tuple[str, ...]) -> StepResult:
        """See :class:`~services.scenario.driver.Driver`."""
        agency = self._directory.by_slug(reader).agency_id
        told = await self._reading.told(self._steps.get(of, []), agency)
        before = len(self.decisions)
        outcome = "accepted" if told else "denied"
        for one in told:
            try:
                await self._instance.inbox.open(agency, one.alias, [Group(g) for g in groups])
            except (NotFound, GateClosed, StaleTicket):  # a fault of ours must not look like a refusal
                outcome = "denied"
        await self._settle()
        found = tuple(d.decision.event_id for d in self.decisions[before:])
        self._steps.setdefault(step, []).extend(found)
        return StepResult(outcome, found)

    async def fault(self, down: bool, agency: str) -> StepResult:
        """See :class:`~services.scenario.driver.Driver`."""
        if down:
            self._lines.cut(agency)
        elif not self._lines.mend(agency):
            return StepResult("unplayable", why=f"the line to {agency} was not down")
        await self._settle()
        return StepResult("accepted")

    def owner(self, person: str) -> str | None:
        """See :class:`~services.scenario.driver.Driver`."""
        return self._reading.owners.get(person)

    async def views(self, agency: str) -> tuple[View, ...]:
        """See :class:`~services.scenario.driver.Driver`."""
        return await self._reading.views(self._directory.by_slug(agency).agency_id)

    async def facts(self, person: str) -> Mapping[str, Any] | None:
        """See :class:`~services.scenario.driver.Driver`."""
        return await self._reading.facts(person)

    async def readable_groups(self, person: str) -> frozenset[str] | None:
        """See :class:`~services.scenario.driver.Driver`."""
        return await self._reading.readable_groups(person)

    async def audit(self, planted: frozenset[str]) -> Sequence[str]:
        """See :class:`~services.scenario.driver.Driver`."""
        return await self._reading.audit(planted)

    async def close(self) -> None:
        """See :class:`~services.scenario.driver.Driver`."""

    # -- from a scenario's words to the services' ids

    def _subject(self, entry: Entry) -> SubjectEntry:
        mother = self._reading.person(entry.child_of) if entry.child_of else None
        return SubjectEntry(
            subject=self._reading.person(entry.person),
            child_of=mother,
            facts=entry.facts,
            groups={Group(group): dict(values) for group, values in entry.groups.items()},
        )

    def _case_of(self, entries: Sequence[Entry]) -> UUID:
        """The case under which an event is sent; a baby's events go under her mother's."""
        first = next((e for e in entries if e.child_of is None), None)
        if first is not None:
            return self._reading.case(first.case)
        return self._reading.case_of_mother(entries[0].child_of or "", entries[0].case)

    def _answer_event(self, answering: Answering, told: Told, sender: str, *, takes_back: bool) -> OpenEvent:
        reported = None
        dispatch = told.alias
        if answering.reported_how is not None:
            reported = OpenReported(
                by=answering.entered_as,
                how=answering.reported_how,
                person=answering.reported_person or "somebody",
            )
        if reported is not None or takes_back:
            teller = self._instance.edges.directory.by_slug(sender).agency_id
            dispatch = self._instance.vault.alias("dispatch", told.dispatch_id, teller)
        return OpenEvent(
            event=ANSWER_EVENTS[answering.kind],
            event_id=self._id(),
            submission_id=self._id(),
            occurred_at=self._clock.now(),
            sender=sender,
            acting_as=answering.entered_as or answering.acting_as,
            case=str(told.case_id),
            subjects=[SubjectEntry(subject=told.subject_id)],
            answer=OpenAnswer(
                dispatch=dispatch, code=answering.code, reason=answering.reason, reported=reported
            ),
        )

    async def _submit(self, step: str, events: Sequence[OpenEvent], sender: str) -> StepResult:
        before = len(self.decisions)
        keys = await self._sender(sender)
        for event in events:
            prepared = prepare(
                event, keys, self._instance.info, self._instance.edges.random, self._clock.now()
            )
            await self._instance.submit(prepared.submission, keys.agency_id)
            self._steps.setdefault(step, []).append(event.event_id)
        await self._settle()
        return self._result(step, before)

    def _result(self, step: str, before: int) -> StepResult:
        """The worst outcome of what the step itself was decided to be."""
        ids = tuple(self._steps.get(step, ()))
        own = [d.decision for d in self.decisions[before:] if not ids or d.decision.event_id in ids]
        if not ids:
            ids = tuple(decision.event_id for decision in own)
            self._steps[step] = list(ids)
        outcomes = [decision.outcome for decision in own]
        return StepResult(max(outcomes, key=_SEVERITY.index) if outcomes else "accepted", ids)

    async def _sender(self, slug: str) -> SenderKeys:
        """The agency's signing key, enrolled at its first word."""
        if slug not in self._keys:
            agency = self._directory.by_slug(slug)
            seed = hashlib.sha256(b"scenario/" + slug.encode()).digest()
            self._keys[slug] = SenderKeys(agency.agency_id, seed, f"{slug}-scenario")
            async with self._instance.edges.store.unit_of_work() as work:
                await registry.add_signing_key(
                    work.connection,
                    agency.agency_id,
                    f"{slug}-scenario",
                    SigningKey(seed).public_key,
                    work.now,
                )
        return self._keys[slug]

    async def _settle(self) -> None:
        await self._instance.settle()
        await self._reading.catch_up()

    def _id(self) -> UUID:
        return new_id(self._instance.edges.random, self._clock.now())

"""Plays the steps of one run on a driver and keeps what happened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contracts.address import parse_address
from contracts.errors import Conflict, InvalidInput, NotAllowed, NotFound
from contracts.events import EVENTS
from services.scenario.driver import Answering, Driver, Emission, Reviewing, StepResult
from services.scenario.errors import ScenarioError, nearest
from services.scenario.model import Answer, Emit, Fault, Open, Person, Reserved, Review, Step
from services.scenario.people import Cast
from services.scenario.trace import Played, Run


async def play(
    driver: Driver,
    *,
    file: str,
    variant: str,
    people: Mapping[str, Person],
    steps: tuple[Step, ...],
    start: datetime,
) -> Run:
    """Play all steps and ask, after each, how things stand.

    Raises:
        ScenarioError: an address in ``by``, ``to`` or ``consent`` of an emitted event that nobody holds.
    """
    run = Run(variant, tuple(people), driver.agencies)
    stage = _Stage(driver, file, Cast(dict(people), steps, start), run, steps[-1] if steps else None)
    await driver.start(start)
    for step in steps:
        await stage.play(step)
    run.decisions = list(driver.decisions)
    for agency in sorted(driver.agencies.everybody()):
        run.views[agency] = await driver.views(agency)
    run.problems += await driver.audit(frozenset(stage.cast.planted))
    return run


class _Stage:
    """One run in progress."""

    def __init__(self, driver: Driver, file: str, cast: Cast, run: Run, last: Step | None) -> None:
        self.driver, self.file, self.cast, self.run, self.last = driver, file, cast, run, last

    async def play(self, step: Step) -> None:
        start = len(self.driver.decisions)
        await self.driver.advance(step.at)
        cause = len(self.driver.decisions)
        actor = self._one(step, step.by) if step.by else None
        to = self._addressees(step)
        try:
            result = await self._act(step, actor)
        except ScenarioError:
            raise
        except (InvalidInput, NotAllowed, NotFound, Conflict) as error:  # a fault of ours must not look like a refusal
            result = StepResult("refused", why=error.sentence())
        if isinstance(step.action, Emit) and result.outcome == "accepted":
            self.cast.accepted(step.action)
        played = Played(step, start, cause, len(self.driver.decisions), result, actor, to)
        await self._look(played)
        self.run.steps.append(played)
        self._compare_outcome(played)

    async def _act(self, step: Step, actor: str | None) -> StepResult:
        match step.action:
            case None:
                return StepResult("accepted")
            case Fault() as fault:
                return await self._break(step, fault)
            case Reserved(kind=kind):
                return StepResult("unplayable", why=f"'{kind}' is not yet playable")
            case _:
                return await self._act_as(step, actor or "")

    async def _act_as(self, step: Step, actor: str) -> StepResult:
        match step.action:
            case Emit(event=name) if name not in EVENTS:
                near = nearest(name, EVENTS)
                return StepResult("refused", why=f"no event is called {name}; the nearest is {near}")
            case Emit() as emit if why := self.cast.cannot_rearrange(emit):
                return StepResult("unplayable", why=why)
            case Emit() as emit:
                return await self.driver.emit(self._emission(step, emit, actor))
            case Answer() as answer:
                return await self.driver.answer(self._answering(step, answer, actor))
            case Review() as review:
                return await self.driver.review(self._reviewing(step, review, actor))
            case Open() as opening:
                return await self.driver.open(step.id, opening.of, actor, opening.groups)
            case _:
                return StepResult("unplayable", why="this cannot be played")

    async def _break(self, step: Step, fault: Fault) -> StepResult:
        """Breaks or mends the lines to everybody whom the addresses mean."""
        agencies: set[str] = set()
        for text in fault.addresses:
            agencies |= {self._one(step, text)} if parse_address(text).is_relation else self._resolved(step, text)
        results = [await self.driver.fault(fault.down, one) for one in sorted(agencies)]
        return next((one for one in results if one.outcome != "accepted"), StepResult("accepted"))

    def _reviewing(self, step: Step, review: Review, actor: str) -> Reviewing:
        second = review.second
        if second and "@" in second:  # another agency; else a person's name
            second = self._one(step, second)
        return Reviewing(
            step.id, review.of, review.action, actor, step.by or "", review.reason, second, review.limit
        )

    def _emission(self, step: Step, emit: Emit, actor: str) -> Emission:
        by = step.by or ""
        acting_as = by if not parse_address(by).is_relation else ""
        return Emission(
            step.id,
            emit.event,
            actor,
            acting_as,
            self.cast.entries(emit),
            emit.to,
            emit.purpose,
            emit.consent,
        )

    def _answering(self, step: Step, answer: Answer, actor: str) -> Answering:
        reported = answer.reported
        entered_by = self._one(step, reported.by) if reported and reported.by else None
        return Answering(
            step.id,
            answer.to,
            answer.kind,
            actor,
            step.by or "",
            answer.code,
            answer.reason,
            reported.how if reported else None,
            reported.person if reported else None,
            entered_by,
            reported.by if reported else None,
        )

    def _addressees(self, step: Step) -> frozenset[str]:
        found: frozenset[str] = frozenset()
        if isinstance(step.action, Emit):
            for text in step.action.to:
                address = parse_address(text)
                if not address.is_relation:
                    found |= self._resolved(step, text)
        return found

    def _resolved(self, step: Step, text: str) -> frozenset[str]:
        found = self.driver.agencies.slugs(parse_address(text), step.at)
        if not found:
            raise ScenarioError(
                f"step '{step.id}': nobody holds {text} at that time.",
                file=self.file,
                line=step.line,
                remedy="Name a role and country of the directory.",
            )
        return found

    def _one(self, step: Step, text: str) -> str:
        address = parse_address(text)
        if address.is_relation:
            about = step.action.about if isinstance(step.action, Emit) else self.run.people
            owner = next((self.driver.owner(p) for p in about if self.driver.owner(p)), None)
            if address.role == "owner" and owner:
                return owner
            raise ScenarioError(
                f"step '{step.id}': '{text}' does not say who acts.",
                file=self.file,
                line=step.line,
                remedy="Write ROLE@CC.",
            )
        found = self._resolved(step, text)
        if len(found) > 1:
            raise ScenarioError(
                f"step '{step.id}': {text} names {len(found)} agencies.",
                file=self.file,
                line=step.line,
                remedy=f"Name the unit: {text}/UNIT.",
            )
        return next(iter(found))

    async def _look(self, played: Played) -> None:
        people = [p for p in self.run.people if self.driver.owner(p) is not None]
        played.owners = {p: owner for p in people if (owner := self.driver.owner(p)) is not None}
        states = [e for e in played.step.expect if e.kind == "state"]
        if any("facts" in e.keys for e in states) or played.step is self.last:
            played.facts = {p: await self.driver.facts(p) for p in people}
        played.readable = {p: await self.driver.readable_groups(p) for p in people}

    def _compare_outcome(self, played: Played) -> None:
        step, result = played.step, played.result
        wanted = step.outcome or ("played" if result.outcome == "unplayable" else "")
        if wanted and step.action is not None and result.outcome != wanted:
            why = f": {result.why}" if result.why else ""
            self.run.problems.append(
                f"line {step.line}: step '{step.id}' should be {wanted} and was {result.outcome}{why}"
            )

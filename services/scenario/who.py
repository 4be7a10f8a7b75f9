"""Who is meant by an address or a relation, at a given moment of a run."""

from __future__ import annotations

from contracts.address import Address, parse_address
from contracts.decision import Dispatch
from contracts.events import EVENTS
from services.scenario.driver import Decided
from services.scenario.trace import Run, Scope, answered, emission


class Who:
    """One ``who`` of an expectation."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.address: Address | None = None if text == "all" else parse_address(text)
        last = scope.last
        self.slugs: frozenset[str] = frozenset()
        if self.address is None:
            self.slugs = scope.run.agencies.everybody()
        elif last is not None and not self.address.is_relation:
            self.slugs = scope.run.agencies.slugs(self.address, last.step.at)

    @property
    def is_relation(self) -> bool:
        """Whether it depends on the event who is meant."""
        return self.address is not None and self.address.is_relation

    @property
    def is_side(self) -> bool:
        """Whether it names a whole side: any@CC, state@CC."""
        return self.address is not None and self.address.role in ("any", "state")

    def received(self, index: int, one: Decided, dispatch: Dispatch) -> bool:
        """Whether this dispatch went to whom is meant."""
        if self.address is None:
            return True
        if self.address.is_relation:
            return dispatch.relation == self.address.role or dispatch.recipient in self.related(
                index, one, dispatch
            )
        if self.address.unit == "duty":
            return dispatch.address == self.text or (
                dispatch.recipient in self.slugs and dispatch.via == "duty_phone"
            )
        return dispatch.recipient in self.slugs

    def related(self, index: int, one: Decided, dispatch: Dispatch | None = None) -> frozenset[str]:
        """Agencies that stand in this relation to what was decided at ``index``."""
        role = self.address.role if self.address else ""
        event = dispatch.event if dispatch else one.decision.event
        match role:
            case "owner":
                return frozenset(s for s in [owner_of(self.scope, one.person)] if s)
            case "requester":
                return _requester(self.scope.run, index, one, event)
            case "counterpart":
                return _counterpart(self.scope.run, one)
            case "past_recipients":
                return _past_recipients(self.scope.run, index, one.person)
            case "anyone_else":
                return anyone_else(self.scope)
            case _:
                return frozenset()

    def agencies(self) -> frozenset[str]:
        """The agencies meant, where no event decides it: owners for ``owner``."""
        if self.address is not None and self.address.role == "owner":
            last = self.scope.last
            return frozenset(last.owners.values()) if last else frozenset()
        if self.address is not None and self.address.role == "anyone_else":
            return anyone_else(self.scope)
        return self.slugs


def owner_of(scope: Scope, person: str | None) -> str | None:
    """Who owns the person's case as the scope ends."""
    last = scope.last
    if last is None:
        return None
    if person is None:
        return next(iter(last.owners.values()), None)
    return last.owners.get(person)


def anyone_else(scope: Scope) -> frozenset[str]:
    """Every agency that no ``told`` of the same list names."""
    named: set[str] = set()
    for other in scope.beside:
        if other.kind == "told":
            for text in other.keys["who"]:
                who = Who(text, scope)
                named |= who.agencies()
                if who.is_relation:
                    named |= {
                        d.recipient
                        for i, one in scope.decided()
                        for d in one.decision.dispatches
                        if who.received(i, one, d)
                    }
    return scope.run.agencies.everybody() - named


def _requester(run: Run, index: int, one: Decided, event: str) -> frozenset[str]:
    """Who emitted the event that is answered, else the newest request of the same row."""
    asked = _answered_step_emitters(run, one)
    if asked:
        return asked
    row = EVENTS[event].row if event in EVENTS else ""
    for played in reversed(run.steps):
        emit = emission(played)
        if emit is None or played.cause >= index + 1 or one.person not in emit.about:
            continue
        kind = EVENTS.get(emit.event)
        if (
            kind is not None
            and kind.row == row
            and kind.kind == "request"
            and played.actor
            and emit.event != event
        ):
            return frozenset([played.actor])
    return frozenset()


def _counterpart(run: Run, one: Decided) -> frozenset[str]:
    return _answered_step_emitters(run, one)


def _answered_step_emitters(run: Run, one: Decided) -> frozenset[str]:
    played = run.emitted(one.decision.event_id)
    answer = answered(played) if played else None
    asked = run.played(answer.to) if answer else None
    return frozenset([asked.actor]) if asked and asked.actor else frozenset()


def _past_recipients(run: Run, index: int, person: str | None) -> frozenset[str]:
    return frozenset(
        d.recipient for one in run.decisions[:index] if one.person == person for d in one.decision.dispatches
    )

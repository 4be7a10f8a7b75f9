"""From an open event to a receipt: remembered, sealed, kept, sent, recorded.

The order is what makes it safe: sealed bytes are durable before the first attempt, the receipt is durable
before the bytes go, and a repeated attempt carries the same bytes.

A case's events leave in order. Behind one that was refused the others are held until a person says that they
go, for they were written in the belief that it had been sent. What only takes away (a withdrawal, a freeze) is
held by nothing; what it overtakes is held for good, so that no older consent follows a withdrawal by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.api import SubmitReceipt
from contracts.errors import Conflict, InvalidInput, NotAllowed, NotAuthentic, SampanError, TryLater
from contracts.narrowing import NARROWING_EVENTS, is_narrowing
from contracts.open_event import OpenEvent
from services.client.errors import NotSampan, ServerFault
from services.client.secret import Secret
from services.client.spool import Sent, Spool, Waiting

REFUSALS: Final = (InvalidInput, NotAllowed, Conflict)
"""Answers to the event itself. Whatever else goes wrong is trouble on the way: the event keeps waiting."""
OVERTAKEN: Final = "overtaken"
"""Code of what is held because something that takes away went before it."""


class State(StrEnum):
    """What became of a submission."""

    SENT = "sent"
    ALREADY_SENT = "already_sent"
    WAITING = "waiting"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A submission's state, with the receipt where there is one and the reason where there is none.

    ``earlier`` is what became, on the way, of what had waited before it for the same case.
    """

    state: State
    submission_id: UUID
    receipt: SubmitReceipt | None = None
    problem: SampanError | None = None
    earlier: tuple[Outcome, ...] = ()


class Sender:
    """Sends events through the spool.

    After the first trouble with the line it stops trying and only seals and keeps; :attr:`trouble` says why.
    Trouble with one event holds up its case alone.

    Args:
        seal: turns an event into sealed bytes; called once per submission, ever.
        submit: hands sealed bytes to the server.
    """

    def __init__(
        self,
        spool: Spool,
        secret: Secret,
        seal: Callable[[OpenEvent], bytes],
        submit: Callable[[bytes], SubmitReceipt],
    ) -> None:
        self._spool = spool
        self._secret = secret
        self._seal = seal
        self._submit = submit
        self.trouble: SampanError | None = None
        self._stuck: dict[str, SampanError] = {}

    def send(self, event: OpenEvent, content: bytes) -> Outcome:
        """Send ``event``; ``content`` is what makes it the same event when it comes again.

        What was held goes, since a person sends it again; what was overtaken needs more than that.

        Raises:
            InvalidInput: the event cannot be sealed as it is; nothing was kept.
            SpoolFull: no room; nothing was kept.
        """
        digest = self._secret.content(content)
        try:
            known = self._spool.find(event.submission_id, digest)
            if known is None:
                chain = self._secret.chain(event.case or str(event.submission_id))
                mark = self._secret.mark(event.submission_id, takes_away(event))
                known = self._spool.add(event.submission_id, digest, chain, self._seal(event), mark)
        except Conflict as problem:
            return Outcome(State.REFUSED, event.submission_id, problem=problem)
        if isinstance(known, Sent):
            return Outcome(State.ALREADY_SENT, event.submission_id, known.receipt)
        if self._spool.is_held(known):
            why = self._spool.reason(known)
            if why is not None and why.code == OVERTAKEN:
                return Outcome(State.HELD, event.submission_id, problem=why)
            known = self._spool.release(known)
        return self._deliver_up_to(known)

    def flush(self) -> Iterator[Outcome]:
        """Send all that waits, in order, until the line fails."""
        for entry in self._spool.waiting():
            yield self._deliver(entry)

    def _deliver_up_to(self, entry: Waiting) -> Outcome:
        """Deliver an entry after what waits before it for the same case."""
        earlier = []
        for each in self._spool.waiting():
            before = each.chain == entry.chain and each.number < entry.number
            if before and self.trouble is None and not self._is_stuck(each):
                earlier.append(self._deliver(each))
        own = self._deliver(entry)
        told = [each for each in earlier if each.problem is None or each.problem is not own.problem]
        return replace(own, earlier=tuple(told))

    def _deliver(self, entry: Waiting) -> Outcome:
        if self.trouble is not None:
            return Outcome(State.WAITING, entry.submission_id, problem=self.trouble)
        with self._spool.sending():
            if not self._spool.is_waiting(entry):
                return self._settled(entry)
            if self._is_stuck(entry):
                return Outcome(State.WAITING, entry.submission_id, problem=_behind(self._stuck[entry.chain]))
            if self._takes_away(entry):
                # Before the attempt: its answer may be lost, and the next run must not send an older event.
                self._overtake(entry)
            try:
                receipt = self._submit(entry.sealed())
            except REFUSALS as problem:
                self._hold_later(entry)
                self._spool.set_aside(entry, problem)
                return Outcome(State.REFUSED, entry.submission_id, problem=problem)
            except SampanError as problem:
                self._remember(entry, problem)
                return Outcome(State.WAITING, entry.submission_id, problem=problem)
            self._spool.record_sent(entry, receipt)
        state = State.ALREADY_SENT if receipt.duplicate else State.SENT
        return Outcome(state, entry.submission_id, receipt)

    def _remember(self, entry: Waiting, problem: SampanError) -> None:
        if stops_everything(problem):
            self.trouble = problem
        else:
            self._stuck[entry.chain] = problem

    def _is_stuck(self, entry: Waiting) -> bool:
        """Whether trouble with an event of the same case holds this one up in this run."""
        return entry.chain in self._stuck and not self._takes_away(entry)

    def _takes_away(self, entry: Waiting) -> bool:
        return entry.mark == self._secret.mark(entry.submission_id, True)

    def _overtake(self, entry: Waiting) -> None:
        """Hold whatever of its case was kept before it and did not go, and what would follow that."""
        kept = [each for each in self._spool.waiting() if self._is_held_up(each, entry.chain)]
        older = [each for each in kept if each.number < entry.number]
        for each in kept if older else []:
            self._spool.hold(each, _overtaken() if each in older else _held_back())
        for each in self._spool.held():
            if each.chain == entry.chain and each.number < entry.number:
                self._spool.hold(each, _overtaken())

    def _hold_later(self, entry: Waiting) -> None:
        """Hold what was kept after a refused entry of the same case."""
        for each in self._spool.waiting():
            if each.number > entry.number and self._is_held_up(each, entry.chain):
                self._spool.hold(each, _held_back())

    def _is_held_up(self, entry: Waiting, chain: str) -> bool:
        return entry.chain == chain and not self._takes_away(entry)

    def _settled(self, entry: Waiting) -> Outcome:
        """What became of an entry that waits no more: it was held, or another process had it."""
        sent = self._spool.sent(entry.submission_id)
        if sent is not None:
            return Outcome(State.ALREADY_SENT, entry.submission_id, sent.receipt)
        for state, entries in ((State.HELD, self._spool.held()), (State.REFUSED, self._spool.refused())):
            for each in entries:
                if each.submission_id == entry.submission_id:
                    return Outcome(state, entry.submission_id, problem=self._spool.reason(each) or _gone())
        return Outcome(State.REFUSED, entry.submission_id, problem=_gone())


def stops_everything(problem: SampanError) -> bool:
    """Whether an answer says nothing about the event that got it, so that trying others would not help."""
    if isinstance(problem, TryLater):
        return not isinstance(problem, ServerFault)
    return isinstance(problem, NotAuthentic | NotSampan)


def takes_away(event: OpenEvent) -> bool:
    """Whether an event only takes away, by its name or by a fact; one that also asks or tells does not."""
    if event.event in NARROWING_EVENTS:
        return True
    asks = event.to or event.purpose or event.consent or any(each.groups for each in event.subjects)
    return not asks and is_narrowing(event.event, [each.facts for each in event.subjects])


def _behind(problem: SampanError) -> SampanError:
    return SampanError(
        f"it waits behind an event of the same case, of which the server said: {problem.message}",
        code="behind-earlier",
    )


def _held_back() -> SampanError:
    return SampanError(
        "an event of the same case that goes before it was not taken, so this one is held.",
        code="held-back",
        remedy="Send it again if it is still meant, or see `sampan kept`.",
    )


def _overtaken() -> SampanError:
    return SampanError(
        "an event that takes away went out for the same case after this one was written, so this one is held.",
        code=OVERTAKEN,
        remedy="If it is still meant, see `sampan kept release`.",
    )


def _gone() -> SampanError:
    return SampanError(
        "another `sampan` on this machine was told no for it, or dropped it.", code="refused-elsewhere"
    )

"""From an open event to a receipt: remembered, sealed, kept, sent, recorded.

The order is what makes it safe: sealed bytes are durable before the first attempt, the receipt is durable
before the bytes go, and a repeated attempt carries the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.api import SubmitReceipt
from contracts.errors import Conflict, InvalidInput, NotAllowed, SampanError
from contracts.open_event import OpenEvent
from services.client.secret import Secret
from services.client.spool import Sent, Spool, Waiting

REFUSALS: Final = (InvalidInput, NotAllowed, Conflict)
"""Answers to the event itself. Whatever else goes wrong is trouble on the way: the event keeps waiting."""


class State(StrEnum):
    """What became of a submission."""

    SENT = "sent"
    ALREADY_SENT = "already_sent"
    WAITING = "waiting"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A submission's state, with the receipt where there is one and the reason where there is none."""

    state: State
    submission_id: UUID
    receipt: SubmitReceipt | None = None
    problem: SampanError | None = None


class Sender:
    """Sends events through the spool.

    After the first trouble with the line it stops trying and only seals and keeps; :attr:`trouble` says why.

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

    def send(self, event: OpenEvent, content: bytes) -> Outcome:
        """Send ``event``; ``content`` is what makes it the same event when it comes again.

        Raises:
            InvalidInput: the event cannot be sealed as it is; nothing was kept.
            SpoolFull: no room; nothing was kept.
        """
        digest = self._secret.content(content)
        try:
            known = self._spool.find(event.submission_id, digest)
            if known is None:
                chain = self._secret.chain(event.case or str(event.submission_id))
                known = self._spool.add(event.submission_id, digest, chain, self._seal(event))
        except Conflict as problem:
            return Outcome(State.REFUSED, event.submission_id, problem=problem)
        if isinstance(known, Sent):
            return Outcome(State.ALREADY_SENT, event.submission_id, known.receipt)
        return self._deliver_up_to(known)

    def flush(self) -> Iterator[Outcome]:
        """Send all that waits, in order, until the line fails."""
        for entry in self._spool.waiting():
            yield self._deliver(entry)

    def _deliver_up_to(self, entry: Waiting) -> Outcome:
        """Deliver an entry after what waits before it for the same case."""
        for earlier in self._spool.waiting():
            if earlier.chain == entry.chain and earlier.number < entry.number:
                self._deliver(earlier)
        return self._deliver(entry)

    def _deliver(self, entry: Waiting) -> Outcome:
        if self.trouble is not None:
            return Outcome(State.WAITING, entry.submission_id, problem=self.trouble)
        with self._spool.sending():
            if not self._spool.is_waiting(entry):
                return self._sent_by_another(entry)
            try:
                receipt = self._submit(entry.sealed())
            except REFUSALS as problem:
                self._spool.set_aside(entry)
                return Outcome(State.REFUSED, entry.submission_id, problem=problem)
            except SampanError as trouble:
                self.trouble = trouble
                return Outcome(State.WAITING, entry.submission_id, problem=trouble)
            self._spool.record_sent(entry, receipt)
        state = State.ALREADY_SENT if receipt.duplicate else State.SENT
        return Outcome(state, entry.submission_id, receipt)

    def _sent_by_another(self, entry: Waiting) -> Outcome:
        sent = self._spool.sent(entry.submission_id)
        if sent is not None:
            return Outcome(State.ALREADY_SENT, entry.submission_id, sent.receipt)
        problem = SampanError(
            "another `sampan` on this machine was told no for it.", code="refused-elsewhere"
        )
        return Outcome(State.REFUSED, entry.submission_id, problem=problem)

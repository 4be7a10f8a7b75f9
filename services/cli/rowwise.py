"""Sending a document's rows one after the other, and telling what became of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from rich.text import Text

from contracts.api import SubmitReceipt
from contracts.errors import Conflict, SampanError
from contracts.open_event import OpenEvent
from services.cli.failing import ExitCode, problem_of
from services.cli.screen import text
from services.client.rows import Row
from services.client.sending import Outcome, State, stops_everything


class Fate(StrEnum):
    """What became of a row, worst first."""

    REFUSED = "refused"
    HELD = "held"
    QUESTION = "question"
    WAITING = "waiting"
    SENT = "sent"
    ALREADY_SENT = "already sent"


_OF_STATE = {
    State.SENT: Fate.SENT,
    State.ALREADY_SENT: Fate.ALREADY_SENT,
    State.WAITING: Fate.WAITING,
    State.HELD: Fate.HELD,
    State.REFUSED: Fate.REFUSED,
}
_STYLES = {
    Fate.SENT: "green",
    Fate.ALREADY_SENT: "dim",
    Fate.WAITING: "yellow",
    Fate.QUESTION: "yellow",
    Fate.HELD: "red",
    Fate.REFUSED: "red",
}


@dataclass(frozen=True, slots=True)
class RowResult:
    """A row's fate, the receipt of its last event, and what is to be said about it.

    ``earlier`` is what became of what had waited for the same case: results of their own.
    """

    label: str
    fate: Fate
    receipt: SubmitReceipt | None = None
    words: tuple[str, ...] = ()
    problems: tuple[SampanError, ...] = ()
    earlier: tuple[Outcome, ...] = ()

    def cells(self) -> tuple[str, Text, str, str]:
        """The row of the table that a person reads."""
        code = self.receipt.case_code if self.receipt else ""
        return self.label, text(self.fate, _STYLES[self.fate]), code, self._in_words()

    def asks(self) -> list[str]:
        """The row's questions, one a line, for below the table."""
        if self.fate is not Fate.QUESTION:
            return []
        return [f"{self.label} asks:", *(f"  - {question}" for question in self.words)]

    def _in_words(self) -> str:
        if self.fate is Fate.QUESTION:
            return f"{len(self.words)} question{'s' if len(self.words) > 1 else ''}, below"
        return " ".join(self.words)

    def document(self) -> dict[str, object]:
        """The row for ``--json``."""
        return {
            "row": self.label,
            "state": self.fate.value,
            "receipt": self.receipt.model_dump(mode="json") if self.receipt else None,
            "questions": list(self.words) if self.fate is Fate.QUESTION else [],
            "problems": [problem_of(problem) for problem in self.problems],
        }


def send_row(row: Row, send: Callable[[OpenEvent, bytes], Outcome]) -> RowResult:
    """Send a row's events in order; what cannot be sent says why. A refused event stops those after it.

    So it does when the row had waited: the sender holds them, see :mod:`services.client.sending`.
    """
    if row.problems:
        return RowResult(
            row.label, Fate.REFUSED, None, tuple(p.sentence() for p in row.problems), row.problems
        )
    if row.questions:
        return RowResult(row.label, Fate.QUESTION, None, row.questions)
    fate, receipt, words = Fate.ALREADY_SENT, None, tuple[str, ...]()
    earlier = tuple[Outcome, ...]()
    for event, content in zip(row.events, row.contents, strict=True):
        try:
            outcome = send(event, content)
        except SampanError as problem:
            if problem.http_status >= 500:  # this machine's trouble, not the row's
                raise
            said, met = (problem.sentence(),), (problem,)
            return RowResult(row.label, Fate.REFUSED, receipt, said, met, earlier)
        earlier += outcome.earlier
        if outcome.state in (State.REFUSED, State.HELD):
            return RowResult(row.label, _OF_STATE[outcome.state], receipt, *_said(outcome), earlier)
        fate = _worse(fate, _OF_STATE[outcome.state])
        receipt = outcome.receipt or receipt
        if outcome.state is State.WAITING:
            words = ("sealed and kept here.", *_of_this_event(outcome))
    return RowResult(row.label, fate, receipt, words if fate is Fate.WAITING else (), (), earlier)


def _of_this_event(outcome: Outcome) -> tuple[str, ...]:
    """What keeps this event alone waiting; trouble with the line is said once for all of them."""
    problem = outcome.problem
    return (problem.sentence(),) if problem is not None and not stops_everything(problem) else ()


def result_of(outcome: Outcome) -> RowResult:
    """What became of something that had waited in the spool."""
    label = str(outcome.submission_id)[:8]
    return RowResult(label, _OF_STATE[outcome.state], outcome.receipt, *_said(outcome))


def _said(outcome: Outcome) -> tuple[tuple[str, ...], tuple[SampanError, ...]]:
    problem = outcome.problem
    return (_refusal(problem), (problem,)) if problem is not None else ((), ())


def exit_code(results: Iterable[RowResult]) -> ExitCode:
    """The worst fate decides: refused or held, then questions, then waiting."""
    fates = {result.fate for result in results}
    if fates & {Fate.REFUSED, Fate.HELD}:
        return ExitCode.FAILED
    if Fate.QUESTION in fates:
        return ExitCode.QUESTIONS
    return ExitCode.SPOOLED if Fate.WAITING in fates else ExitCode.DONE


def tally(results: Iterable[RowResult]) -> str:
    """``3 sent, 1 question``, worst last."""
    counts: dict[Fate, int] = {}
    for result in results:
        counts[result.fate] = counts.get(result.fate, 0) + 1
    words = {Fate.QUESTION: "with questions", Fate.WAITING: "kept here, not sent yet"}
    return ", ".join(f"{counts[fate]} {words.get(fate, fate)}" for fate in reversed(Fate) if fate in counts)


def _worse(one: Fate, other: Fate) -> Fate:
    order = list(Fate)
    return min(one, other, key=order.index)


def _refusal(problem: SampanError) -> tuple[str, ...]:
    if isinstance(problem, Conflict):
        return (problem.sentence(), "If it was sent before from another machine, nothing is left to do.")
    return (problem.sentence(),)

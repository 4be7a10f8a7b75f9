"""What became of one event that was typed at the command line."""

from __future__ import annotations

import typer

from contracts.open_event import OpenEvent
from services.cli.failing import ExitCode, Stopped, problem_of
from services.cli.session import Session
from services.client.sending import Outcome, State

WORDS = {
    State.SENT: "sent",
    State.ALREADY_SENT: "already sent",
    State.WAITING: "not sent yet, waits here",
    State.HELD: "not sent, held here",
    State.REFUSED: "refused",
}


def document(outcome: Outcome) -> dict[str, object]:
    """An outcome for ``--json``."""
    return {
        "state": outcome.state.value,
        "submission_id": str(outcome.submission_id),
        "receipt": outcome.receipt.model_dump(mode="json") if outcome.receipt else None,
        "problem": problem_of(outcome.problem) if outcome.problem else None,
        "earlier": [document(each) for each in outcome.earlier],
    }


def exit_code(outcome: Outcome) -> ExitCode:
    """0 when the server has it, 4 when it waits here; 1 when it, or what went before it, needs a person."""
    states = {outcome.state, *(each.state for each in outcome.earlier)}
    if states & {State.REFUSED, State.HELD}:
        return ExitCode.FAILED
    return ExitCode.SPOOLED if State.WAITING in states else ExitCode.DONE


def send_and_tell(session: Session, event: OpenEvent, content: bytes, what: str) -> None:
    """Send one event, say what became of it, and end the command with its exit code."""
    try:
        outcome = session.sender.send(event, content)
    except KeyboardInterrupt:
        raise Stopped(stopped_sentence(session, 0)) from None
    session.screen.json(document(outcome))
    for each in outcome.earlier:
        _tell_earlier(session, each)
    if outcome.receipt is not None:
        again = " (already sent before)" if outcome.state is State.ALREADY_SENT else ""
        session.screen.say(f"{what}: sent, case {outcome.receipt.case_code}{again}.", "green")
        session.screen.say(f"Recorded {session.local(outcome.receipt.recorded_at)}.", "dim")
    elif outcome.problem is not None:
        session.screen.remark(f"sampan: {WORDS[outcome.state]}: {outcome.problem.sentence()}", "yellow")
        if outcome.state is State.WAITING:
            session.screen.remark("It is sealed and kept. Send it with: sampan submit --flush")
    raise typer.Exit(exit_code(outcome))


def _tell_earlier(session: Session, outcome: Outcome) -> None:
    why = f": {outcome.problem.sentence()}" if outcome.problem else "."
    style = "green" if outcome.receipt else "yellow"
    session.screen.remark(
        f"sampan: {str(outcome.submission_id)[:8]}, which waited here for the same case: "
        f"{WORDS[outcome.state]}{why}",
        style,
    )
    if outcome.state in (State.REFUSED, State.HELD):
        session.screen.remark("Its sealed bytes are kept. See: sampan kept")


def stopped_sentence(session: Session, sent: int) -> str:
    """What Ctrl-C left behind: how much was sent, how much waits sealed."""
    waiting = len(session.spool.waiting())
    kept = (
        f"{waiting} sealed and kept here; `sampan submit --flush` sends them, and what arrived already "
        "is not recorded twice"
        if waiting
        else "nothing waits here"
    )
    return f"stopped. {sent} sent; {kept}."

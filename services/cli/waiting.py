"""Bare ``sampan``: what waits for you, soonest deadline first, in local time."""

from __future__ import annotations

from rich.text import Text

from contracts.api import WaitingItem
from services.cli import kept
from services.cli.labels import event_label
from services.cli.screen import text
from services.cli.session import SOON_HOURS, Session


def show(session: Session) -> None:
    """Print what waits for the agency, and what waits in this machine's spool."""
    items = session.api.waiting()
    here = len(session.spool.waiting())
    session.screen.json(
        {
            "agency": session.profile.agency,
            "waiting": [item.model_dump(mode="json") for item in items],
            "spooled": here,
            **kept.counts(session),
        }
    )
    if items:
        session.screen.table(
            f"Waits for {session.me.name}",
            ["by", "", "what", "case", "priority", "open with"],
            [_row(session, item) for item in items],
        )
    else:
        session.screen.say(f"Nothing waits for {session.me.name}.")
    if here:
        session.screen.say(
            f"{here} sealed and not yet sent. Send with: sampan submit --flush", style="yellow"
        )
    kept.say(session)


def _row(session: Session, item: WaitingItem) -> tuple[object, ...]:
    return (
        session.local(item.deadline_at),
        _until(session, item),
        item.text or event_label(item.event),
        item.case_code,
        item.priority,
        _command(item),
    )


def _until(session: Session, item: WaitingItem) -> Text:
    if item.deadline_at is None:
        return text("no deadline", "dim")
    hours = (item.deadline_at - session.clock.now()).total_seconds() / 3600
    style = "bold red" if hours < 0 else "yellow" if hours < SOON_HOURS else ""
    return text(session.until(item.deadline_at), style)


def _command(item: WaitingItem) -> str:
    if item.review is not None:
        return f"sampan review show {str(item.review)[:8]}"
    if item.dispatch is not None:
        return f"sampan open {str(item.dispatch)[:8]}"
    return f"sampan case {item.case_code}"

"""``sampan case``: one case's timeline, as its viewer may see it."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.api import TimelineEntry
from services.cli.labels import WHAT, event_label, purpose_label
from services.cli.screen import text
from services.cli.session import As, Json, Session

_STYLES = {"told": "green", "not_told": "yellow", "held": "yellow", "recalled": "red", "review": "magenta"}


def attach(app: typer.Typer) -> None:
    """Register the command."""
    app.command("case")(case)


def case(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Case code, such as SP-K7RM-4TQX.")],
    as_: As = None,
    as_json: Json = False,
) -> None:
    """A case's timeline: what happened, who was told, who was not, and by which rule.

    The owner sees decisions and their rules; a recipient sees its own part and no more.

    Example: sampan case SP-K7RM-4TQX --as ngo-th
    """
    session = Session(context, as_, as_json)
    timeline = session.api.timeline(code.strip())
    session.screen.json(timeline.model_dump(mode="json"))
    owner = timeline.role == "owner"
    part = "your case" if owner else "your part of it"
    session.screen.table(
        f"Case {timeline.case_code}, {part}",
        ["when", "", "event", "who", "why", "holds", "dispatch", *(["by rule"] if owner else []), "in words"],
        [_row(session, entry, owner) for entry in timeline.entries],
    )
    if not timeline.entries:
        session.screen.say("Nothing has happened in it that you may see.")


def _row(session: Session, entry: TimelineEntry, owner: bool) -> tuple[object, ...]:
    words = [entry.text]
    if entry.asks:
        words.append("Asks: " + "; ".join(entry.asks) + ".")
    if entry.deadline_at:
        words.append(f"By {session.local(entry.deadline_at)} ({session.until(entry.deadline_at)}).")
    return (
        session.local(entry.at),
        text(WHAT.get(entry.what, entry.what), _STYLES.get(entry.what, "")),
        event_label(entry.event),
        entry.who,
        purpose_label(entry.purpose),
        [str(group) for group in entry.groups],
        str(entry.dispatch)[:8] if entry.dispatch else "",
        *([entry.rules] if owner else []),
        " ".join(word for word in (*words, entry.status or "") if word),
    )

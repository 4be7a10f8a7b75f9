"""``sampan case``: one case's timeline, as its viewer may see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from contracts.api import CaseTimeline, TimelineEntry
from services.cli.labels import event_label, purpose_label
from services.cli.screen import text
from services.cli.session import As, Json, Session

_TOLD = ("told", "recalled")
_REFUSED = ("not_told", "held")
_LATER = ("deadline", "review")


def attach(app: typer.Typer) -> None:
    """Register the command."""
    app.command("case")(case)


def case(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Case code, such as SP-K7RM4-TQX2F.")],
    as_: As = None,
    as_json: Json = False,
) -> None:
    """A case: what happened, who was told, who was not, what is due, and by which rule.

    The owner sees decisions and their rules; a recipient sees its own part and no more.

    Example: sampan case SP-K7RM4-TQX2F --as ngo-th
    """
    session = Session(context, as_, as_json)
    timeline = session.api.timeline(code.strip())
    session.screen.json(timeline.model_dump(mode="json"))
    if as_json:
        return
    part = "your case" if timeline.role == "owner" else "your part of it"
    session.screen.say(f"Case {timeline.case_code}, {part}", "bold")
    if not timeline.entries:
        session.screen.say("Nothing has happened in it that you may see.")
        return
    _show(session, timeline)


def _show(session: Session, timeline: CaseTimeline) -> None:
    happened = _of(timeline, ("event",))
    if happened:
        rows = [(session.local(entry.at), event_label(entry.event), entry.status) for entry in happened]
        session.screen.table("Happened", ["when", "event", ""], rows)
    told = _of(timeline, _TOLD)
    columns = ["dispatch", "event", "who", "why", "may open", "stands", "to be read by"]
    _section(session, timeline, "Told", columns, told, [_told(session, entry) for entry in told])
    refused = _of(timeline, _REFUSED)
    columns = ["event", "who", "", "waits for"]
    _section(session, timeline, "Not told", columns, refused, [_refused(entry) for entry in refused])
    later = _of(timeline, _LATER)
    columns = ["who", "must", "by"]
    _section(session, timeline, "Due", columns, later, [_due(session, entry) for entry in later])
    if timeline.role == "owner":
        _legend(session, timeline.entries)


def _section(
    session: Session,
    timeline: CaseTimeline,
    title: str,
    columns: Sequence[str],
    entries: Sequence[TimelineEntry],
    rows: Sequence[tuple[object, ...]],
) -> None:
    """One table; the owner's has a column for the rules, a recipient is not shown any."""
    if not rows:
        return
    if timeline.role == "owner":
        columns = [*columns, "by rule"]
        rows = [(*row, _ids(entry)) for row, entry in zip(rows, entries, strict=True)]
    session.screen.table(title, columns, rows)


def _of(timeline: CaseTimeline, kinds: Sequence[str]) -> list[TimelineEntry]:
    return [entry for entry in timeline.entries if entry.what in kinds]


def _told(session: Session, entry: TimelineEntry) -> tuple[object, ...]:
    stands = (
        "taken back" if entry.what == "recalled" else " ".join(w for w in (entry.status, entry.text) if w)
    )
    return (
        str(entry.dispatch)[:8] if entry.dispatch else "",
        event_label(entry.event),
        entry.who,
        purpose_label(entry.purpose),
        " ".join(["F0", *(str(group) for group in entry.groups)]),
        text(stands, "red" if entry.what == "recalled" else "green"),
        session.local(entry.deadline_at),
    )


def _refused(entry: TimelineEntry) -> tuple[object, ...]:
    word = "waits" if entry.what == "held" else "refused"
    return (
        event_label(entry.event),
        entry.who or "anyone",
        text(word, "yellow"),
        ", ".join(entry.asks),
    )


def _due(session: Session, entry: TimelineEntry) -> tuple[object, ...]:
    must = " or ".join(event_label(ask) for ask in entry.asks) or entry.text
    when = (
        f"{session.local(entry.deadline_at)} ({session.until(entry.deadline_at)})"
        if entry.deadline_at
        else ""
    )
    return (
        entry.who,
        must if entry.what == "deadline" else f"{entry.text} {must}".strip(),
        when,
    )


def _ids(entry: TimelineEntry) -> str:
    return " ".join(rule.partition(":")[0] for rule in entry.rules)


def _legend(session: Session, entries: Iterable[TimelineEntry]) -> None:
    """Each rule once, in words, with its confidence mark: an assumption is shown as one."""
    rules = sorted({rule for entry in entries for rule in entry.rules})
    for rule in rules:
        session.screen.say(f"  {rule}", "dim")
    if rules:
        session.screen.say("  Marks: S sourced, R recalled, P practice, A assumption.", "dim")
        if not session.known.instance().counsel_signed:
            session.screen.say("  No lawyer has signed these rules: not for real cases.", "warn")

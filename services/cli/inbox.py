"""``sampan inbox``: what was sent to you, names masked until opened; finds a dispatch by a short name."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from contracts.api import InboxItem
from contracts.errors import InvalidInput, NotFound
from services.cli.labels import CLOSED, event_label, purpose_label
from services.cli.screen import masked, text
from services.cli.session import As, Json, Session

COLUMNS = [
    "#",
    "dispatch",
    "person",
    "what",
    "why",
    "priority",
    "from",
    "case",
    "holds",
    "answer by",
    "status",
]
_HEX = re.compile(r"[0-9a-f]{4,32}")


def attach(app: typer.Typer) -> None:
    """Register the command."""
    app.command("inbox")(inbox)


def inbox(
    context: typer.Context,
    as_: As = None,
    after: Annotated[int, typer.Option(min=0, help="Only items after this number.")] = 0,
    everything: Annotated[bool, typer.Option("--all", help="Also what is answered and closed.")] = False,
    as_json: Json = False,
) -> None:
    """What was sent to you. Names stay masked until you open an item; opening is recorded.

    Example: sampan inbox --as embassy-la-th
    """
    session = Session(context, as_, as_json)
    items = session.api.whole_inbox(after)
    shown = [item for item in items if everything or not is_closed(item)]
    hidden = len(items) - len(shown)
    session.screen.json([item.model_dump(mode="json") for item in shown])
    if shown:
        rows = [row(session, item) for item in shown]
        session.screen.table(f"Inbox of {session.me.name}", COLUMNS, rows)
        session.screen.say(
            f"Open one with: sampan open '#{shown[-1].cursor}' --as {session.profile.agency}", "dim"
        )
    else:
        session.screen.say(f"Nothing is open in the inbox of {session.me.name}.")
    if hidden:
        session.screen.say(f"{hidden} answered or closed; --all shows them.", "dim")


def is_closed(item: InboxItem) -> bool:
    """Whether an item asks nothing more of its recipient."""
    return item.recalled or item.status in CLOSED


def row(session: Session, item: InboxItem) -> tuple[object, ...]:
    """An item as a row of :data:`COLUMNS`."""
    deadline = _answer_by(item)
    urgent = "bold red" if item.priority == "EMERGENCY" else "yellow" if item.priority == "URGENT" else ""
    status = "recalled" if item.recalled else item.status
    return (
        f"#{item.cursor}",
        str(item.dispatch)[:8],
        masked(),
        event_label(item.event),
        purpose_label(item.purpose),
        text(item.priority, urgent),
        item.from_agency or item.from_role,
        item.case_code,
        [str(group) for group in item.groups] + item.items,
        f"{session.local(deadline)} ({session.until(deadline)})" if deadline else "",
        f"{status}, opened" if item.opened_at else status,
    )


def _answer_by(item: InboxItem) -> datetime | None:
    """Until when the next answer is due: read by whom, then decided; nothing once it is decided."""
    if is_closed(item):
        return None
    return {"requested": item.acknowledge_by, "received": item.decide_by}.get(item.status)


def find_item(session: Session, name: str) -> InboxItem:
    """The inbox item that ``name`` means: ``#3``, an alias, or the first digits of one.

    Raises:
        InvalidInput: not of a form that names a dispatch, or of several.
        NotFound: nothing in this inbox goes by that name.
    """
    name = name.strip().lower()
    if name.removeprefix("#").isdecimal() and (name.startswith("#") or len(name) < 4):
        cursor = int(name.removeprefix("#"))
        items = session.api.inbox(cursor - 1, 1).items if cursor else []
        found = [item for item in items if item.cursor == cursor]
    else:
        digits = name.replace("-", "")
        if not _HEX.fullmatch(digits):
            raise InvalidInput(
                "that does not name a dispatch.",
                code="bad-dispatch",
                field="DISPATCH",
                remedy="Write its number in `sampan inbox` ('#3') or its id's first digits (at least 4).",
            )
        found = [item for item in session.api.whole_inbox() if item.dispatch.hex.startswith(digits)]
    distinct: dict[UUID, InboxItem] = {item.dispatch: item for item in found}
    if len(distinct) > 1:
        raise InvalidInput(
            f"{len(distinct)} dispatches begin like that.",
            code="ambiguous-dispatch",
            field="DISPATCH",
            remedy="Write more digits, or the number from `sampan inbox`.",
        )
    if not distinct:
        raise NotFound(
            f"nothing in the inbox of {session.profile.agency} goes by that name.",
            code="no-such-dispatch",
            field="DISPATCH",
            remedy="See `sampan inbox --all`.",
        )
    return next(iter(distinct.values()))

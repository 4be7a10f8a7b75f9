"""``sampan open``: the groups of a dispatch, in clear, for its recipient's eyes. The opening is recorded."""

from __future__ import annotations

from typing import Annotated

import typer

from contracts.api import InboxItem, OpenedItem
from contracts.errors import InvalidInput
from contracts.roles import Group
from services.cli.inbox import find_item
from services.cli.labels import event_label, field_label, group_label, purpose_label
from services.cli.session import As, Json, Session


def attach(app: typer.Typer) -> None:
    """Register the command."""
    app.command("open")(open_dispatch)


def open_dispatch(
    context: typer.Context,
    dispatch: Annotated[str, typer.Argument(metavar="DISPATCH", help="'#3' or the first digits of its id.")],
    as_: As = None,
    group: Annotated[
        list[str] | None, typer.Option("--group", metavar="F1", help="Only these groups; repeat for several.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Open a dispatch. Who opened what, and when, is recorded before anything is shown.

    Example: sampan open '#3' --as embassy-la-th --group F1
    """
    session = Session(context, as_, as_json)
    item = find_item(session, dispatch)
    wanted = [_group(name) for name in group or []]
    opened = session.api.open(item.dispatch, wanted)
    session.screen.json(opened.model_dump(mode="json"))
    _head(session, item)
    for name, fields in sorted(opened.groups.items(), key=lambda pair: int(pair[0][1:])):
        rows = [(field_label(field), value) for field, value in _flat(fields)]
        session.screen.table(group_label(name), ["", "value"], rows)
    _rest(session, item, opened)


def _head(session: Session, item: InboxItem) -> None:
    sender = item.from_agency or item.from_role
    session.screen.say(
        f"{event_label(item.event)}, {purpose_label(item.purpose)}, from {sender}, "
        f"case {item.case_code}, dated {session.local(item.dated)}, on the basis of {item.basis}",
        "bold",
    )
    for note in item.notes:
        session.screen.say(f"Note: {note.code.replace('_', ' ')} {note.person or ''}", "yellow")


def _rest(session: Session, item: InboxItem, opened: OpenedItem) -> None:
    if opened.items:
        session.screen.table("Also", ["", "value"], [(field_label(k), v) for k, v in opened.items.items()])
    if not opened.groups and not opened.items:
        session.screen.say("There is nothing in it to open beyond the envelope.")
    session.screen.say(f"Opened {session.local(opened.opened_at)}; the opening is recorded.", "dim")
    if item.status == "requested":
        name = f"'#{item.cursor}' --as {session.profile.agency}"
        session.screen.say(f"Answer with: sampan acknowledge {name}   or accept, decline, redirect", "dim")


def _flat(fields: dict[str, object]) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in fields.items():
        if isinstance(value, dict):
            rows += [(f"{field_label(name)}: {key}", part) for key, part in value.items()]
        else:
            rows.append((name, value))
    return rows


def _group(name: str) -> Group:
    try:
        return Group(name.strip().upper())
    except ValueError:
        raise InvalidInput(
            "no such field group.",
            code="unknown-group",
            field="--group",
            remedy="Groups are F1 to F13; `sampan inbox` shows which ones an item holds.",
        ) from None

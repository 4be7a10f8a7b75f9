"""``sampan watch``: new items as they come, until Ctrl-C."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from services.cli.failing import Stopped
from services.cli.inbox import COLUMNS, row
from services.cli.screen import clean
from services.cli.session import As, Json, Session
from services.client.files import private_folder, write_private
from services.client.stream import follow


def attach(app: typer.Typer) -> None:
    """Register the command."""
    app.command("watch")(watch)


def watch(
    context: typer.Context,
    as_: As = None,
    after: Annotated[
        int | None, typer.Option(min=0, help="Begin after this number; without it, where you last stopped.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show new items as they come. Ctrl-C stops; the next watch goes on from there.

    Example: sampan watch --as embassy-la-th
    """
    session = Session(context, as_, as_json)
    place = Place(private_folder(session.home.folder / "watch") / f"{session.profile.agency}.json")
    cursor = place.read() if after is None else after
    session.screen.remark(f"Watching the inbox of {session.me.name} after #{cursor}. Ctrl-C stops.")
    try:
        for item in follow(session.api, cursor, sleep=session.sleep, tell=session.screen.remark):
            cells = zip(COLUMNS, row(session, item), strict=True)
            session.screen.say("  ".join(f"{_plain(cell)}" for name, cell in cells if _plain(cell)))
            session.screen.json(item.model_dump(mode="json"))
            cursor = item.cursor
            place.write(cursor)
    except KeyboardInterrupt:
        raise Stopped(f"stopped after #{cursor}; `sampan watch` goes on from there.") from None


class Place:
    """Where a watcher stopped, in a small file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        """The last cursor seen; 0 if there is none or it cannot be read, which shows everything again."""
        try:
            return int(json.loads(self._path.read_bytes())["cursor"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def write(self, cursor: int) -> None:
        """Remember ``cursor``."""
        write_private(self._path, json.dumps({"cursor": cursor}).encode())


def _plain(cell: object) -> str:
    if isinstance(cell, list):
        return ",".join(clean(part) for part in cell)
    return clean(cell)

"""``sampan kept``: what this machine keeps sealed and has not sent: to look at, to let go, to throw away.

What an entry says is sealed, for this machine too: it shows when it was kept, and why it did not go.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from contracts.errors import InvalidInput, NotFound
from services.cli.failing import Stopped, problem_of
from services.cli.group import SampanGroup
from services.cli.screen import text
from services.cli.session import As, Json, Session
from services.client.sending import OVERTAKEN
from services.client.spool import Waiting

app = typer.Typer(
    help="What this machine keeps and has not sent.\n\nExample: sampan kept show --as ngo-th",
    cls=SampanGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Entry = Annotated[str, typer.Argument(metavar="ID", help="The first digits of its id (4 at least).")]


def counts(session: Session) -> dict[str, int]:
    """How many lie here that need a person, for ``--json``."""
    return {"held": len(session.spool.held()), "refused": len(session.spool.refused())}


def say(session: Session) -> None:
    """Say how many lie here that need a person, and how to look at them; nothing where none do."""
    parts = [f"{number} {state}" for state, number in counts(session).items() if number]
    if parts:
        session.screen.say(
            f"{' and '.join(parts)} on this machine, never sent by itself. "
            f"See: sampan kept show --as {session.profile.agency}",
            "yellow",
        )


@app.command("show")
def show(context: typer.Context, as_: As = None, as_json: Json = False) -> None:
    """What waits, what is held behind something that was not taken, and what was refused. Needs no connection.

    Example: sampan kept show --as ngo-th
    """
    session = Session(context, as_, as_json)
    entries = list(_all(session))
    session.screen.json([_document(session, state, entry) for state, entry in entries])
    if not entries:
        session.screen.say("Nothing is kept here that was not sent.")
        return
    rows = [_row(session, state, entry) for state, entry in entries]
    session.screen.table("Kept on this machine", ["id", "", "same case", "kept at", "why"], rows)
    session.screen.say(
        "Waiting ones go with: sampan submit --flush. For the others, sending the same document", "dim"
    )
    session.screen.say("again tries again; or: sampan kept release ID, sampan kept drop ID.", "dim")


@app.command("release")
def release(context: typer.Context, entry: Entry, as_: As = None, as_json: Json = False) -> None:
    """Let a held one go after all, as it was written; `sampan submit --flush` sends it.

    Asks first where something that takes away, such as a withdrawal, went before it: sent now, it comes after.

    Example: sampan kept release 7d1e --as ngo-th
    """
    session = Session(context, as_, as_json)
    state, found = _find(session, entry)
    if state != "held":
        raise InvalidInput(
            f"that one is not held, it is {state}.",
            code="not-held",
            field="ID",
            remedy="Send its document again." if state == "refused" else "See `sampan submit --flush`.",
        )
    why = session.spool.reason(found)
    if why is not None and why.code == OVERTAKEN:
        session.screen.remark(
            "A withdrawal or the like of the same case went before it. Sent now, this may undo that."
        )
        _confirm("Send it nevertheless?")
    with session.spool.sending():
        if session.spool.is_waiting(found):
            session.spool.release(found)
    session.screen.json({"released": str(found.submission_id)})
    session.screen.say(
        f"{_short(found)} waits to be sent: sampan submit --flush --as {session.profile.agency}", "green"
    )


@app.command("drop")
def drop(context: typer.Context, entry: Entry, as_: As = None, as_json: Json = False) -> None:
    """Throw a kept one away, for good. It was not sent, or its receipt never came. Asks first.

    Example: sampan kept drop 7d1e --as ngo-th
    """
    session = Session(context, as_, as_json)
    state, found = _find(session, entry)
    _confirm(f"Throw {_short(found)} ({state}) away?")
    with session.spool.sending():
        session.spool.drop(found)
    session.screen.json({"dropped": str(found.submission_id)})
    session.screen.say(f"{_short(found)} is thrown away.", "green")


def _confirm(question: str) -> None:
    try:
        sure = typer.confirm(question, default=False, err=True)
    except (KeyboardInterrupt, typer.Abort):
        sure = False
    if not sure:
        raise Stopped("stopped; everything is kept as it was.")


def _all(session: Session) -> Iterator[tuple[str, Waiting]]:
    spool = session.spool
    for state, entries in (
        ("waiting", spool.waiting()),
        ("held", spool.held()),
        ("refused", spool.refused()),
    ):
        for entry in entries:
            yield state, entry


def _find(session: Session, name: str) -> tuple[str, Waiting]:
    digits = name.strip().lower().replace("-", "")
    entries = list(_all(session))
    found = [each for each in entries if len(digits) >= 4 and each[1].submission_id.hex.startswith(digits)]
    if len(found) != 1:
        raise NotFound(
            "nothing that is kept here goes by that name." if not found else "several begin like that.",
            code="no-such-entry",
            field="ID",
            remedy="See `sampan kept show`; write 4 digits at least.",
        )
    return found[0]


def _row(session: Session, state: str, entry: Waiting) -> tuple[object, ...]:
    why = session.spool.reason(entry)
    words = why.sentence() if why else ""
    style = "red" if state != "waiting" else "yellow"
    return _short(entry), text(state, style), entry.chain[:4], session.local(_kept_at(entry)), words


def _document(session: Session, state: str, entry: Waiting) -> dict[str, object]:
    why = session.spool.reason(entry)
    return {
        "submission_id": str(entry.submission_id),
        "state": state,
        "same_case": entry.chain[:4],
        "kept_at": _kept_at(entry).isoformat(),
        "problem": problem_of(why) if why else None,
    }


def _kept_at(entry: Waiting) -> datetime:
    return datetime.fromtimestamp(entry.path.stat().st_mtime, UTC)


def _short(entry: Waiting) -> str:
    return str(entry.submission_id)[:8]

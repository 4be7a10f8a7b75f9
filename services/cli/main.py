"""``sampan``: the command's entry point. Each command lives in the module named for it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from services.cli import answers, case, consent, emit, inbox, lanes, opening, review, submit, waiting, watch
from services.cli.group import RootGroup
from services.cli.session import As, Json, Session
from services.client.errors import NoConnection

app = typer.Typer(
    name="sampan",
    cls=RootGroup,
    help=(
        "Carries case referrals across borders: to everyone who must act, to nobody else.\n\n"
        "Alone, it shows what waits for you, soonest deadline first.\n\n"
        "Example: sampan --as shelter-th\n\n"
        "Exit codes: 0 done, 1 refused or failed, 2 mistyped, 3 questions remain, 4 no connection (what was "
        "sealed waits in the spool), 130 stopped."
    ),
    invoke_without_command=True,
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root(context: typer.Context, as_: As = None, as_json: Json = False) -> None:
    """Show what waits when no command is named."""
    if context.invoked_subcommand is None:
        waiting.show(Session(context, as_, as_json))


@app.command("version")
def show_version(context: typer.Context, as_json: Json = False) -> None:
    """Which version this is.

    Example: sampan version
    """
    session = Session(context, None, as_json)
    try:
        number = version("sampan")
    except PackageNotFoundError:
        number = "0+checkout"
    session.screen.say(f"sampan {number}")
    session.screen.json({"version": number})


@app.command("agencies")
def list_agencies(
    context: typer.Context,
    as_: As = None,
    everywhere: Annotated[
        bool, typer.Option("--all", help="All agencies of the directory, not only those of this machine.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The agencies in whose name this machine may speak.

    Example: sampan agencies
    """
    session = Session(context, as_, as_json)
    here = session.home.agencies()
    if everywhere:
        rows = session.api.agencies()
        shown = [row.model_dump(mode="json") | {"here": row.agency in here} for row in rows]
    else:
        shown = _profiles(session, here)
    session.screen.table(
        "Agencies" if everywhere else f"Agencies on this machine, for {session.home.url}",
        ["agency", "name", "holds", "country", "zone"],
        [
            (row["agency"], row.get("name"), row.get("roles"), row.get("country"), row.get("timezone"))
            for row in shown
        ],
    )
    session.screen.json(shown)


def _profiles(session: Session, here: list[str]) -> list[dict[str, object]]:
    """The local profiles, with names where the server can be asked."""
    if not here:
        session.home.choose(None)  # says that there are none, and where they would lie
    try:
        session_as = session if session._asked else None
        api = (session_as or _with(session, here[0])).api
        names = {row.agency: row.model_dump(mode="json") for row in api.agencies()}
    except NoConnection as trouble:
        session.screen.remark(f"{trouble.message} Names are not shown.")
        names = {}
    return [names.get(slug, {"agency": slug}) for slug in here]


def _with(session: Session, agency: str) -> Session:
    session._asked = agency
    return session


for module in (submit, inbox, watch, opening, answers, case, emit):
    module.attach(app)
for name, group in (("review", review.app), ("lanes", lanes.app), ("consent", consent.app)):
    app.add_typer(group, name=name)


def main() -> None:
    """Entry point of the installed command."""
    app()

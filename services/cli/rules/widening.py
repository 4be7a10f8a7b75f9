"""``sampan rules widens``: whether a change of the rules only takes away, or needs a second person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from routing.analysis.finding import sorted_findings
from routing.analysis.widening import widenings
from services.cli.failing import ExitCode
from services.cli.rules.reading import Region, read_law
from services.cli.session import Json, Session


def widens(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(help="Folder of the rules in force.")],
    new: Annotated[Path, typer.Argument(help="Folder of the rules as they would be.")],
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Say whether one person may put a change in force, or it needs a second. Exit code 1 where it does.

    One person may narrow at once: deny, hold, withhold, recall, or end a grant. Whatever is not provably narrowing,
    for every state of facts, as written and as a live instance serves it, counts as widening.

    Example: sampan rules widens routing/rules proposed/rules
    """
    session = Session(context, None, as_json)
    before, after = read_law(old, region), read_law(new, region)
    found = sorted_findings([*widenings(before, after), *widenings(before.live(), after.live())])
    session.screen.json({
        "old": before.rule_set_hash, "new": after.rule_set_hash, "needs_second_person": bool(found),
        "widens": [one.as_json() for one in found],
    })  # fmt: skip
    if found:
        session.screen.table("May open what was not open", ["where", "what"], [(f.where, f.sentence) for f in found])
        session.screen.say("A second person must approve this change.", "warn")
        raise typer.Exit(ExitCode.FAILED)
    session.screen.say("This change only takes away: one person may put it in force.", "green")

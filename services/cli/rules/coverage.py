"""``sampan rules coverage``: which rules the stories hold, which they only mention, which they never meet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from routing.law import Law
from services.cli.rules.reading import Region, Rules, read_law
from services.cli.session import Json, Session
from services.scenario.coverage import Coverage
from services.scenario.coverage import coverage as covered_by
from services.scenario.histories import read_story, story_files
from services.scenario.model import Scenario


def coverage(
    context: typer.Context,
    stories: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of stories; the bundled ones where it stays out.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")] = None,
    rules: Rules = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Take out each effect in turn and play the stories again: where one fails, that story holds the effect.

    Takes minutes over all rules.

    Example: sampan rules coverage --rule R22
    """
    session = Session(context, None, as_json)
    law = read_law(rules, region)
    found = _played(session, law, [read_story(path) for path in story_files(stories)], only)
    session.screen.json([_as_json(one) for one in found])
    session.screen.table(
        "Coverage", ["effect", "kind", "spoken in", "changes an outcome in", ""],
        [(one.key, one.kind, _some(one.spoke_in), _some(one.held_by), _verdict(one)) for one in found],
    )  # fmt: skip
    never = sorted({one.rule for one in found} - {one.rule for one in found if one.spoke_in})
    loose = [one.key for one in found if not one.held_by and not one.is_engine]
    session.screen.say(
        f"{len(found)} effects; rules that never speak: {', '.join(never) or 'none'}; "
        f"effects that no story holds: {', '.join(loose) or 'none'}."
    )


def _played(session: Session, law: Law, stories: list[Scenario], only: Iterable[str] | None) -> list[Coverage]:
    wanted = set(only or ())
    total = sum(len(rule.effects) for rule in law.rules if rule.confirmed and (not wanted or rule.id in wanted))
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=session.screen.err, transient=True
    ) as bar:
        task = bar.add_task("playing", total=total)

        def progress(key: str) -> None:
            bar.update(task, description=f"without {key}", advance=1)

        return asyncio.run(covered_by(stories, law, progress, only=wanted or None))


def _some(stories: tuple[str, ...]) -> str:
    return ", ".join(stories[:3]) + (f" and {len(stories) - 3} more" if len(stories) > 3 else "")


def _verdict(one: Coverage) -> str:
    if one.is_engine:
        return "carried out by the engine"
    if not one.spoke_in:
        return "never"
    return "held" if one.held_by else "only mentioned"


def _as_json(one: Coverage) -> dict[str, object]:
    return {
        "rule": one.rule, "effect": one.key, "kind": one.kind, "where": one.where, "spoke_in": one.spoke_in,
        "held_by": one.held_by, "engine": one.is_engine,
    }  # fmt: skip

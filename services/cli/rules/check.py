"""``sampan rules check``: what is doubtful in a rule set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from contracts.errors import InvalidInput
from routing.analysis.audit import audit
from routing.analysis.finding import SEVERITIES, Finding
from services.cli.failing import ExitCode
from services.cli.rules.reading import On, Region, RulesFolder, day_of, read_law
from services.cli.session import Json, Session


def check(
    context: typer.Context,
    folder: RulesFolder = None,
    region: Region = None,
    on: On = None,
    everything: Annotated[bool, typer.Option("--all", help="Also notes: what is legal and worth knowing.")] = False,
    as_json: Json = False,
) -> None:
    """Gaps, shadowed and contradicting rules, expired citations, roles nobody holds. Exit code 1 on errors.

    Example: sampan rules check routing/rules --all
    """
    session = Session(context, None, as_json)
    found = _findings(session, folder, region, on)
    session.screen.json([one.as_json() for one in found])
    shown = [one for one in found if everything or one.severity != "note"]
    if shown:
        session.screen.table(
            "Findings", ["", "where", "what", "mend"],
            [(one.severity, one.where, one.sentence, one.remedy) for one in shown],
        )  # fmt: skip
    counts = {severity: sum(one.severity == severity for one in found) for severity in SEVERITIES}
    hidden = f" (--all shows the {counts['note']})" if counts["note"] and not everything else ""
    session.screen.say(
        f"{counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes{hidden}.",
        "red" if counts["error"] else "green",
    )
    if counts["error"]:
        raise typer.Exit(ExitCode.FAILED)


def _findings(session: Session, folder: Path | None, region: Path | None, on: On) -> tuple[Finding, ...]:
    """All findings; a rule set that cannot be loaded is one error, and the only one that can be said."""
    try:
        law = read_law(folder, region)
    except InvalidInput as refused:
        return (Finding("error", refused.code, refused.field or "", refused.message, refused.remedy or ""),)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=session.screen.err, transient=True) as bar:
        task = bar.add_task("")
        return audit(law, day_of(session, on), lambda step: bar.update(task, description=f"checking {step}"))

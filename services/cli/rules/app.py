"""The commands of ``sampan rules``, each in the module named for it."""

from __future__ import annotations

import typer

from services.cli.group import SampanGroup
from services.cli.rules.check import check
from services.cli.rules.coverage import coverage
from services.cli.rules.diff import diff
from services.cli.rules.examples import run_examples
from services.cli.rules.explain import explain
from services.cli.rules.page import page
from services.cli.rules.sheets import export, import_
from services.cli.rules.signing import sign, signatures
from services.cli.rules.verify import verify
from services.cli.rules.widening import widens

app = typer.Typer(
    name="rules",
    help="Tools for the people who own the rules.\n\nExample: sampan rules check",
    cls=SampanGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for name, command in (
    ("check", check), ("explain", explain), ("diff", diff), ("test", run_examples), ("coverage", coverage),
    ("verify-receipt", verify), ("page", page), ("export", export), ("import", import_),
):  # fmt: skip
    app.command(name)(command)

app.command("sign")(sign)
app.command("signatures")(signatures)
app.command("widens")(widens)


@app.callback()
def rules() -> None:
    """Tools for the people who own the rules."""

"""``sampan rules page``: the whole rule set as a page for paper, and whether the committed one is up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import InvalidInput
from routing.analysis.page import page as page_of
from services.cli.rules.reading import Region, RulesFolder, read_law
from services.cli.session import Json, Session


def page(
    context: typer.Context,
    folder: RulesFolder = None,
    out: Annotated[Path, typer.Option("--out", help="Where it is written, or compared.")] = Path("docs/rules.html"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 where it differs.")] = False,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Write the whole rule set as one page, readable on paper.

    Example: sampan rules page --out docs/rules.html
    """
    session = Session(context, None, as_json)
    made = page_of(read_law(folder, region))
    there = out.read_text("utf-8") if out.is_file() else None
    same = there == made
    if check and not same:
        raise InvalidInput("the page differs from the rules", code="page-differs", field=out.name,
                           remedy="Write it anew with: sampan rules page.")  # fmt: skip
    if not same:
        try:
            out.write_text(made, "utf-8")
        except OSError:
            raise InvalidInput("the page cannot be written", code="file-unwritable", field="--out",
                               remedy="Choose a folder that is there and may be written.") from None  # fmt: skip
    session.screen.json({"page": str(out), "changed": not same})
    session.screen.say(f"{out}: {'as it was' if same else 'written'}.", "green")

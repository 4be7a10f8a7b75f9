"""``sampan rules export`` and ``import``: the rule set as a table for a lawyer, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.errors import InvalidInput
from deploy.region import FOLDER, load_region
from routing.law import Law
from services.cli.rules.editing import edited
from services.cli.rules.reading import Region, RulesFolder, read_law, rule_texts
from services.cli.rules.sheet import write
from services.cli.rules.sheet_reading import Edit, Value, read
from services.cli.session import Json, Session


def export(
    context: typer.Context,
    xlsx: Annotated[Path, typer.Option("--xlsx", metavar="FILE", help="The workbook to write.")],
    folder: RulesFolder = None,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """One row a rule: effects in words, article, mark, dates, examples, and columns for counsel to fill.

    Example: sampan rules export --xlsx rules-for-counsel.xlsx
    """
    session = Session(context, None, as_json)
    law = read_law(folder, region)
    _write(xlsx, write(law.rules))
    session.screen.json({"rules": len(law.rules), "file": xlsx.name, "rule_set_hash": law.rule_set_hash})
    session.screen.say(f"{len(law.rules)} rules are in {xlsx.name}. White columns may be changed, grey not.", "green")


def import_(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the rule files that are changed.")],
    xlsx: Annotated[Path, typer.Option("--xlsx", metavar="FILE", help="The workbook that came back.")],
    region: Region = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking. --json needs it to write at all.")] = False,
    as_json: Json = False,
) -> None:
    """Take back title, source, mark, dates, signature and remark; shows what changes before it writes.

    Conditions and effects are changed in the rule files alone: a workbook that changed them is refused. Comments
    and layout of the files stay.

    Example: sampan rules import proposed/rules --xlsx rules-for-counsel.xlsx
    """
    session = Session(context, None, as_json)
    texts = rule_texts(folder)
    law = read_law(folder, region)
    edits = read(_read(xlsx), law.rules)
    files = edited(texts, edits)
    Law.load({**texts, **files}, load_region(region or FOLDER))  # refused whole, or written whole
    _show(session, edits)
    write_it = bool(files) and (yes or (not as_json and typer.confirm("Write this?")))
    if write_it:
        for name, text in files.items():
            _write(folder / name, text.encode())
    session.screen.json({"written": sorted(files) if write_it else [], "edits": [_as_json(edit) for edit in edits]})
    if not files:
        session.screen.say("Nothing changes in the rule files.", "green")
    elif write_it:
        session.screen.say(f"Written: {', '.join(sorted(files))}.", "green")
    else:
        session.screen.say("Nothing was written.", "yellow")


def _show(session: Session, edits: list[Edit]) -> None:
    rows = [(e.rule.id, key, _said(was), _said(will)) for e in edits for key, (was, will) in e.changed.items()]
    if rows:
        session.screen.table("What changes", ["rule", "what", "was", "will be"], rows)
    decided = [(edit.rule.id, edit.decision) for edit in edits if edit.decision]
    if decided:
        session.screen.table("Counsel's decisions, for the rules' owner to carry out", ["rule", "decision"], decided)


def _said(value: Value) -> str:
    return "" if value is None else str(value)


def _as_json(edit: Edit) -> dict[str, Any]:
    changed = {key: {"was": _said(was), "will_be": _said(will)} for key, (was, will) in edit.changed.items()}
    return {"rule": edit.rule.id, "changed": changed, "decision": edit.decision}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InvalidInput("the workbook cannot be read", code="file-unreadable", field="--xlsx",
                           remedy="Check its name and the right to read it.") from None  # fmt: skip


def _write(path: Path, content: bytes) -> None:
    """Beside it first, then in its place: never half a file."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError:
        raise InvalidInput("the file cannot be written", code="file-unwritable", field=path.name,
                           remedy="Choose a folder that is there and may be written.") from None  # fmt: skip

"""``sampan rules sign`` and ``sampan rules signatures``: which rules a named counsel signed."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.errors import InvalidInput, SetupProblem
from routing.law import Law
from routing.rule import Rule
from routing.signing import SIGNATURES_FILE, fingerprint, needs_counsel, read_signatures
from services.cli.failing import ExitCode
from services.cli.rules.reading import Region, RulesFolder, day_of, read_law, read_text
from services.cli.session import Json, Session

_HEAD: Final = "# Written by `sampan rules sign`. A changed rule needs a new signature: the hash is of what it says.\n"


def sign(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="RULE…", help="Such as R21.")],
    folder: Annotated[Path, typer.Option("--rules", help="Where signatures.yaml stands or shall stand.")],
    counsel: Annotated[str, typer.Option("--counsel", help="The name of the lawyer who read and signed.")],
    region: Region = None,
    on: Annotated[
        datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day of the signature; else today.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Note that a named counsel signed what rules say now. A rule that is changed afterwards is unsigned again.

    --rules names the rule files' folder, or one for signatures alone, of the rules that come with Sampan.

    Example: sampan rules sign R21 --rules rules --counsel "A. Counsel"
    """
    session = Session(context, None, as_json)
    day, name = day_of(session, on), " ".join(counsel.split())
    if not name or day > day_of(session, None):
        raise InvalidInput(
            "a signature needs a name and a day that is not to come", code="bad-signature", field="--counsel",
            remedy="Name the lawyer, and the day on which it was signed.",
        )  # fmt: skip
    signed = _versions(read_law(folder if any(folder.glob("*.yaml")) else None, region), names, day)
    if signed:
        _append(folder / SIGNATURES_FILE, [_row(one, name, day) for one in signed])
    session.screen.json([{"rule": one.id, "hash": fingerprint(one)} for one in signed])
    for one in signed:
        session.screen.say(f"{one.id} ({one.valid_from}) {one.title}: signed by {name} on {day}.", "green")
    if not signed:
        session.screen.say("None of them waits for a signature; nothing was written.")


def _versions(law: Law, names: list[str], day: date) -> list[Rule]:
    """The versions that wait, of the rules of these names."""
    if not set(names) <= {rule.id for rule in law.rules}:
        raise InvalidInput("there is no such rule", code="no-such-rule", field="RULE",
                           remedy="`sampan rules signatures` names those that wait.")  # fmt: skip
    return [rule for rule in law.rules if rule.id in names and needs_counsel(rule) and not _ended(rule, day)]


def signatures(
    context: typer.Context, folder: RulesFolder = None, region: Region = None, as_json: Json = False
) -> None:
    """Which rules rest on an assumption, and who signed each. Exit code 1 while one waits.

    On a live instance an unsigned one still denies, holds, withholds, recalls and escalates; it tells nobody.

    Example: sampan rules signatures rules
    """
    session = Session(context, None, as_json)
    law = read_law(folder, region)
    day = day_of(session, None)
    rows = [rule for rule in law.rules if "A" in rule.mark.split("/") and not _ended(rule, day)]
    session.screen.json([
        {"rule": one.id, "valid_from": str(one.valid_from), "mark": one.mark, "hash": fingerprint(one),
         "signed_by": None if needs_counsel(one) else _by(one)} for one in rows
    ])  # fmt: skip
    session.screen.table(
        "Rules that rest on an assumption", ["rule", "from", "mark", "what", "signed by"],
        [(one.id, str(one.valid_from), one.mark, one.title, "waits" if needs_counsel(one) else _by(one))
         for one in rows],
    )  # fmt: skip
    waiting = _waiting(law, rows)
    session.screen.say(f"{waiting} of {len(rows)} wait for counsel.", "warn" if waiting else "green")
    if waiting:
        raise typer.Exit(ExitCode.FAILED)


def _waiting(law: Law, rows: list[Rule]) -> int:
    return sum(1 for one in rows if needs_counsel(one) and one.confirmed)


def _by(rule: Rule) -> str:
    return f"{rule.signed.by}, {rule.signed.on}" if rule.signed else ""


def _ended(rule: Rule, day: date) -> bool:
    return rule.valid_to is not None and rule.valid_to <= day


def _row(rule: Rule, counsel: str, day: date) -> str:
    until = f", until: {rule.valid_to}" if rule.valid_to else ""
    return (
        f"- {{rule: {rule.id}, valid_from: {rule.valid_from}, counsel: {json.dumps(counsel)}, on: {day}, "
        f'hash: "{fingerprint(rule)}"{until}}}\n'
    )


def _append(path: Path, rows: list[str]) -> None:
    """Adds rows below those that stand there; the file is replaced whole or not at all."""
    before = read_text(path) if path.exists() else _HEAD + "signatures:\n"
    after = before + "".join(rows)
    read_signatures(after, path.name)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(after, "utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise SetupProblem("The signatures cannot be written there.", code="folder-not-writable", field="FOLDER",
                           remedy="Check the right to write in it, and the room on the disk.") from None  # fmt: skip

"""``sampan rules verify-receipt``: whether a decision follows, to the byte, from what its receipt keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import typer

from contracts.errors import InvalidInput, NotFound, SetupProblem
from routing.law import ENGINE_VERSION, Law
from routing.receipt import ReceiptInner, decode_decision, encode_inner, re_evaluate, read_inner
from services.cli.failing import ExitCode
from services.cli.rules.reading import Region, Rules, read_law
from services.cli.session import Json, Session
from services.client.files import write_private

FILE_BYTES_MAX: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verified:
    """One receipt held against what is at hand. ``missing``: what of the three it pins is not."""

    code: str
    inner: ReceiptInner
    pinned: tuple[str, str, str]
    missing: tuple[str, ...]
    same: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values; no fact of the case."""
        rules, directory, engine = self.pinned
        return {
            "case": self.code, "event": str(self.inner.record.event_id), "rule_set_hash": rules,
            "directory_hash": directory, "engine_version": engine, "not_at_hand": self.missing,
            "decision_sha256": sha256(self.inner.decision).hexdigest(), "same_bytes": self.same,
        }  # fmt: skip


def verify(
    context: typer.Context,
    receipt: Annotated[str, typer.Argument(metavar="EVENT|CASE|FILE", help="An id, or a file that --save wrote.")],
    rules: Rules = None,
    region: Region = None,
    data: Annotated[Path, typer.Option("--data", help="The server's data folder.")] = Path("data"),
    database: Annotated[str | None, typer.Option("--database", metavar="DSN", help="A server's database.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep the receipt, opened. It holds facts of a case.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Decide again from a stored receipt: the same bytes, or exactly what is not at hand. Exit code 1 where not.

    By id it reads the database with the server's keyring (with --data while the server is stopped, or --database);
    a file needs neither.

    Example: sampan rules verify-receipt 0198c2f1-7d1e-7a52-9c55-0f2b6f0d1a11 --data data
    """
    session = Session(context, None, as_json)
    law = read_law(rules, region)
    laws = {one.rule_set_hash: one for one in (law.live(), law)}  # a live instance decided by what counsel signed
    kept, not_opened = _receipts(receipt, data, database)
    if save is not None:
        write_private(save, msgspec.msgpack.encode([(code, encode_inner(inner)) for code, inner in kept]))
        session.screen.remark(f"{save.name} holds facts of a case in clear. Keep it as you would keep her file.")
    found = [_verified(code, inner, laws, law) for code, inner in kept]
    session.screen.json({"receipts": [one.as_json() for one in found], "not_opened": not_opened})
    session.screen.table(
        "Receipts", ["case", "event", "rule set", "directory", "engine", ""],
        [
            (one.code, str(one.inner.record.event_id), *(part[:12] for part in one.pinned), _verdict(one))
            for one in found
        ],
    )  # fmt: skip
    bad = [one for one in found if not one.same]
    session.screen.say(
        f"{len(found) - len(bad)} of {len(found)} receipts follow to the byte.", "red" if bad else "green"
    )
    if not_opened:
        session.screen.say(
            f"{not_opened} more could not be opened: whoever they concern was erased.", "yellow"
        )
    if bad:
        raise typer.Exit(ExitCode.FAILED)


def _verdict(one: Verified) -> str:
    if one.missing:
        return f"not at hand: {', '.join(one.missing)}"
    return "the same bytes" if one.same else "OTHER BYTES: the receipt or the engine is not what it says"


def _verified(code: str, inner: ReceiptInner, laws: Mapping[str, Law], otherwise: Law) -> Verified:
    was = decode_decision(inner.decision)
    law = laws.get(was.rule_set_hash, otherwise)
    pinned = (was.rule_set_hash, was.directory_hash, was.engine_version)
    here = (law.rule_set_hash, law.directory_hash, ENGINE_VERSION)
    names = ("the rule set", "the directory", "the engine's version")
    missing = tuple(name for name, there, mine in zip(names, pinned, here, strict=True) if there != mine)
    return Verified(code, inner, pinned, missing, not missing and re_evaluate(inner, law) == inner.decision)


def _receipts(
    named: str, data: Path, database: str | None
) -> tuple[Sequence[tuple[str, ReceiptInner]], int | None]:
    """Receipts, and how many more could not be opened; a file does not say how many its owner lacked."""
    path = Path(named)
    if path.is_file():
        return _file(path), None
    try:
        which = UUID(named)
    except ValueError:
        raise InvalidInput("neither an id nor a file", code="no-receipt", field="EVENT|CASE|FILE",
                           remedy="Name an event's or a case's id, or a file that --save wrote.") from None  # fmt: skip
    try:
        stored = import_module("services.assembly.receipts")
    except ModuleNotFoundError:
        raise SetupProblem(
            "reading a database needs the server's packages",
            code="no-server",
            remedy='Install the server part with: pip install "sampan[server]".',
        ) from None
    opened = stored.of(data, database, which)
    found = [(one.code, one.inner) for one in opened.kept]
    if not found and opened.not_opened:
        raise NotFound(f"no receipt by that id can be opened, of {opened.not_opened}", code="no-receipt",
                       field="EVENT|CASE|FILE", remedy="Whoever they concern was erased.")  # fmt: skip
    if not found:
        raise NotFound("no receipt goes by that id", code="no-receipt", field="EVENT|CASE|FILE",
                       remedy="Check the id.")  # fmt: skip
    return found, opened.not_opened


def _file(path: Path) -> Sequence[tuple[str, ReceiptInner]]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput("the file is larger than 16 MiB", code="file-too-large", field=path.name)
        rows = msgspec.msgpack.decode(path.read_bytes(), type=list[tuple[str, bytes]])
        return [(code, read_inner(content)) for code, content in rows]
    except (OSError, msgspec.DecodeError, ValueError):
        raise InvalidInput("not a receipt", code="no-receipt", field=path.name,
                           remedy="Take a file that verify-receipt --save wrote.") from None  # fmt: skip

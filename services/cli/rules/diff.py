"""``sampan rules diff``: who would newly be told under another rule set, who no longer, over a history."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from contracts.errors import SetupProblem
from routing.analysis.comparing import KIND_WORDS, WIDENING, Change, Comparison
from routing.law import Law
from services.cli.rules.reading import On, Region, day_of, read_law
from services.cli.session import Json, Session
from services.scenario.histories import History, histories, read_story, story_files

SHOWN_MAX = 20


class Found(NamedTuple):
    """A change, and under which name its case goes."""

    case: str
    change: Change


def diff(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(help="Folder of the rules as they are.")],
    new: Annotated[Path, typer.Argument(help="Folder of the rules as they would be.")],
    history: Annotated[
        str | None,
        typer.Option("--history", metavar="FOLDER|FILE|DSN", help="Stories, or a database's receipts (with --data)."),
    ] = None,
    data: Annotated[Path, typer.Option("--data", help="The server's data folder, for its keyring.")] = Path("data"),
    own_dates: Annotated[
        bool, typer.Option("--own-dates", help="Decide each record by the law of its own day, not of --on.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="All cases, not the first twenty.")] = False,
    region: Region = None,
    on: On = None,
    as_json: Json = False,
) -> None:
    """Decide a history under two rule sets: the bundled stories, others, or what a database holds.

    Every record is decided anew, each person from her first record on. Counts, and cases by code; no facts.

    Example: sampan rules diff routing/rules proposed/rules
    """
    session = Session(context, None, as_json)
    day = day_of(session, on)
    before, after = read_law(old, region), read_law(new, region)
    _say_later(session, after, day, own_dates)
    as_on = None if own_dates else day
    comparison = Comparison(_standing(before, as_on), _standing(after, as_on))
    not_opened = 0
    if history is not None and "://" in history:
        found, not_opened = _database(session, comparison, history, data)
    else:
        found = _stories(session, comparison, Path(history) if history else None)
    _show(session, comparison, found, not_opened, everything)
    if not_opened:
        session.screen.say(
            f"{not_opened} more could not be opened and were not decided: whoever they concern was erased.",
            "yellow",
        )


def _standing(law: Law, day: date | None) -> Law:
    return law if day is None else law.standing_on(day)


def _say_later(session: Session, law: Law, day: date, own_dates: bool) -> None:
    later = sorted({rule.id for rule in law.rules if rule.confirmed and rule.valid_from > day})
    if later and not own_dates:
        session.screen.remark(f"{', '.join(later)} begin after {day} and are not counted; --on names another day.")


def _stories(session: Session, comparison: Comparison, where: Path | None) -> list[Found]:
    files = [where] if where is not None and where.is_file() else story_files(where)
    stories = [read_story(path) for path in files]
    with _bar(session) as bar:
        task = bar.add_task("playing", total=len(stories))
        played = asyncio.run(histories(stories, comparison.old, lambda _: bar.advance(task)))
        task = bar.add_task("deciding", total=len(played))
        found = []
        for one in played:
            comparison.begin_anew()
            found += [Found(one.name, change) for change in _decided(comparison, one)]
            bar.advance(task)
    return found


def _decided(comparison: Comparison, history: History) -> Iterable[Change]:
    for one in history.taken:
        yield from comparison.take(one.record, one.state, one.kin)


def _database(session: Session, comparison: Comparison, dsn: str, data: Path) -> tuple[list[Found], int]:
    """A database's receipts; the server's part of the installation reads them."""
    try:
        receipts = import_module("services.assembly.receipts")
    except ModuleNotFoundError as missing:
        raise SetupProblem(
            "reading a database needs the server's packages",
            code="no-server",
            remedy='Install the server part with: pip install "sampan[server]".',
        ) from missing
    with _bar(session) as bar:
        task = bar.add_task("deciding", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        anew = receipts.decide_anew(dsn, data, comparison.take, progress)
    return [Found(anew.codes[change.case], change) for change in comparison.found], anew.not_opened


def _bar(session: Session) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=session.screen.err, transient=True
    )


def _show(
    session: Session, comparison: Comparison, found: list[Found], not_opened: int, everything: bool
) -> None:
    counts = Counter((one.change.kind, one.change.who, one.change.rules) for one in found)
    session.screen.json({
        "records": comparison.records, "not_opened": not_opened,
        "old": comparison.old.rule_set_hash, "new": comparison.new.rule_set_hash,
        "changes": [_as_json(one) for one in found],
    })  # fmt: skip
    if not found:
        session.screen.say(f"{comparison.records} records decided under both: nobody is told more or less.", "green")
        return
    session.screen.table(
        "What would change", ["who", "how", "times", "rules"],
        [(who, KIND_WORDS[kind], number, rules) for (kind, who, rules), number in counts.most_common()],
    )  # fmt: skip
    shown = found if everything else found[:SHOWN_MAX]
    session.screen.table(
        "Where", ["case", "who", "how", "what"],
        [(one.case, one.change.who, KIND_WORDS[one.change.kind], one.change.what) for one in shown],
    )  # fmt: skip
    more = f"; --all shows the other {len(found) - len(shown)}" if len(shown) < len(found) else ""
    cases = len({one.change.case for one in found})
    session.screen.say(f"{comparison.records} records decided under both: {len(found)} changes in {cases} cases{more}.")
    widening = sum(one.change.kind in WIDENING for one in found)
    if widening:
        session.screen.say(f"{widening} of them tell somebody more: that wants a second reader.", "yellow")


def _as_json(one: Found) -> dict[str, Any]:
    change = one.change
    return {"case": one.case, "kind": change.kind, "who": change.who, "what": change.what, "rules": change.rules}

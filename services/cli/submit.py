"""``sampan submit``: workbooks and JSON, row by row, sealed on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from contracts.errors import InvalidInput, SampanError
from contracts.open_event import OpenEvent
from services.cli import kept
from services.cli.failing import Stopped, problem_of
from services.cli.losses import LossTeller
from services.cli.outcome import stopped_sentence
from services.cli.rowwise import Fate, RowResult, exit_code, result_of, send_row, tally
from services.cli.session import As, Json, Session
from services.client.documents import looks_like_json, read_document, rows_of_json
from services.client.rows import Row
from services.client.sending import Outcome, State
from services.client.workbook import Workbook, Written, read_workbook, result_path, write_result

COLUMNS = ["row", "", "case code", "in words"]
ActingAs = Annotated[
    str | None,
    typer.Option("--acting-as", metavar="ROLE@CC", help="In which of your roles, if you hold several."),
]


def attach(app: typer.Typer) -> None:
    """Register the command, and the one that looks after what it keeps."""
    app.command("submit")(submit)
    app.add_typer(kept.app, name="kept")


def submit(
    context: typer.Context,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="HTCDS workbook (.xlsx), JSON, or NDJSON.")
    ] = None,
    as_: As = None,
    acting_as: ActingAs = None,
    flush: Annotated[bool, typer.Option("--flush", help="First send what waits on this machine.")] = False,
    assisted: Annotated[
        bool,
        typer.Option("--assisted", help="JSON only: let the server seal. It sees the content; recorded so."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Send case documents. Each row is sealed on this machine before it leaves.

    What a workbook cannot say comes back as questions, in words and in CASE.result.xlsx: fill in its columns
    and send that file. With no connection, sealed rows wait here; --flush sends them. Nothing is sent twice.

    Example: sampan submit CASE.xlsx --as ngo-th
    """
    session = Session(context, as_, as_json)
    if not files and not flush:
        raise InvalidInput("name a file, or --flush.", code="nothing-to-send", field="FILE")
    documents = [(path, read_document(path)) for path in files or []]
    results: list[RowResult] = []
    shown: list[dict[str, object]] = []
    with _telling_what_was_sent(session, results):
        if flush:
            _flush(session, results, shown)
        for path, content in documents:
            _one_file(session, path, content, acting_as, assisted, results, shown)
    waiting = len(session.spool.waiting())
    session.screen.json({"files": shown, "waiting": waiting, **kept.counts(session)})
    kept.say(session)
    if waiting and not any(result.fate is Fate.WAITING for result in results):
        session.screen.say(f"{waiting} from before wait on this machine: sampan submit --flush", "yellow")
    raise typer.Exit(exit_code(results))


def _flush(session: Session, results: list[RowResult], shown: list[dict[str, object]]) -> None:
    flushed: list[RowResult] = []
    try:
        for outcome in session.flusher.flush():
            flushed.append(result_of(outcome))
            results.append(flushed[-1])
    finally:
        shown.append({"file": None, "rows": [result.document() for result in flushed]})
    if flushed:
        session.screen.table("What waited on this machine", COLUMNS, [result.cells() for result in flushed])
        session.screen.say(tally(flushed) + ".")
    else:
        session.screen.say("Nothing waited on this machine.")
    _say_trouble(session, session.flusher.trouble)


def _one_file(
    session: Session,
    path: Path,
    content: bytes,
    acting_as: str | None,
    assisted: bool,
    results: list[RowResult],
    shown: list[dict[str, object]],
) -> None:
    if assisted and not looks_like_json(content):
        raise InvalidInput(
            "only JSON can be sent with --assisted; a workbook is always sealed here.",
            code="assisted-json-only",
            field=path.name,
            remedy="Leave --assisted out.",
        )
    rows, workbook = _read(session, content, acting_as)
    send, trouble = _assisted(session) if assisted else _sealed(session)
    losses = LossTeller(session) if rows else None
    done: list[RowResult] = []
    earlier: list[RowResult] = []
    for row in _with_progress(session, path.name, rows):
        if losses is not None and trouble() is None:
            losses.look_at(row)
        done.append(send_row(row, send))
        before = [result_of(outcome) for outcome in done[-1].earlier]
        earlier += before
        results += [*before, done[-1]]
    if earlier:
        cells = [result.cells() for result in earlier]
        session.screen.table("What waited on this machine for these cases", COLUMNS, cells)
    session.screen.table(path.name, COLUMNS, [result.cells() for result in done])
    for line in (line for result in done for line in result.asks()):
        session.screen.say(line)
    session.screen.say(f"{tally(done) or 'no rows'}.")
    _say_trouble(session, trouble())
    told = losses.tell() if losses is not None else []
    result_file = _result_file(session, path, workbook, done)
    shown.append(
        {
            "file": path.name,
            "rows": [result.document() for result in done],
            "earlier": [result.document() for result in earlier],
            "cannot_hold": told,
            "result_workbook": str(result_file) if result_file else None,
        }
    )


def _read(session: Session, content: bytes, acting_as: str | None) -> tuple[Sequence[Row], Workbook | None]:
    now = session.clock.now()
    agency = session.profile.agency
    if looks_like_json(content):
        return rows_of_json(content, sender=agency, secret=session.ids, now=now), None
    with _bar(session, "reading") as moved:
        workbook = read_workbook(
            content,
            sender=agency,
            acting_as=acting_as,
            now=now.astimezone(session.zone),
            ids=session.ids,
            progress=moved,
        )
    return workbook.rows, workbook


def _sealed(
    session: Session,
) -> tuple[Callable[[OpenEvent, bytes], Outcome], Callable[[], SampanError | None]]:
    return session.sender.send, lambda: session.sender.trouble


def _assisted(
    session: Session,
) -> tuple[Callable[[OpenEvent, bytes], Outcome], Callable[[], SampanError | None]]:
    """Sending in clear, for the server to seal. Nothing is kept on this machine, so trouble ends it."""

    def send(event: OpenEvent, content: bytes) -> Outcome:
        receipt = session.api.submit_assisted(event)
        state = State.ALREADY_SENT if receipt.duplicate else State.SENT
        return Outcome(state, event.submission_id, receipt)

    return send, lambda: None


def _result_file(
    session: Session, path: Path, workbook: Workbook | None, done: Sequence[RowResult]
) -> Path | None:
    if workbook is None or not any(result.fate is Fate.QUESTION for result in done):
        return None
    written = Written(session.home.folder, session.secret)
    target = result_path(path, written.untouched)
    fates = [(result.fate.value, result.receipt) for result in done]
    written.write(target, write_result(workbook, fates))
    session.screen.say(f"Questions remain. Fill in the yellow columns of {target} and send it:", "bold")
    session.screen.say(f"  sampan submit {target} --as {session.profile.agency}")
    return target


def _say_trouble(session: Session, trouble: SampanError | None) -> None:
    if trouble is not None:
        session.screen.remark(f"sampan: {trouble.sentence()}", "yellow")
        session.screen.remark(
            f"{len(session.spool.waiting())} sealed and kept on this machine. "
            f"Send with: sampan submit --flush --as {session.profile.agency}",
            "yellow",
        )


@contextmanager
def _telling_what_was_sent(session: Session, results: list[RowResult]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        sent = sum(result.fate in (Fate.SENT, Fate.ALREADY_SENT) for result in results)
        sentence = (
            stopped_sentence(session, sent) + " Rows not reached were not sent: run the same command again."
        )
        raise Stopped(sentence) from None
    except SampanError as error:
        if results:
            session.screen.remark(f"Until then: {tally(results)}. Run the same command again for the rest.")
            session.screen.remark(str(problem_of(error)["code"]))
        raise


def _with_progress(session: Session, name: str, rows: Sequence[Row]) -> Iterator[Row]:
    with _bar(session, name) as moved:
        for number, row in enumerate(rows, 1):
            yield row
            moved(number, len(rows))


@contextmanager
def _bar(session: Session, name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal's standard error; nothing elsewhere."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=session.screen.err, transient=True, disable=not session.screen.err.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

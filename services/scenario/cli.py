"""``sampan scenario run FILE…``: plays files and says what holds. Also the nine of ``make demo``."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from contracts.errors import SampanError, SetupProblem
from services.scenario.errors import ScenarioError
from services.scenario.results import Result
from services.scenario.run import OpenDriver, run_text
from services.scenario.table import RuleTitle, file_report, summary_table

FAILED: Final = 1
USAGE: Final = 2

app = typer.Typer(
    name="scenario",
    help="Play scenario files: what happens to invented people, and what must follow.",
    no_args_is_help=True,
)


@app.callback()
def scenario() -> None:
    """Play scenario files."""


@app.command("run")
def run_command(
    files: Annotated[list[Path], typer.Argument(help="Scenario files (YAML), see docs/scenarios.md.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file.")] = False,
) -> None:
    """Play scenario files on a throw-away instance.

    Example: sampan scenario run tests/scenarios/01-lao-woman-home.yaml
    """
    raise typer.Exit(play_files(files, as_json=as_json))


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per file.")] = False,
) -> None:
    """Play the nine bundled scenarios: who was told, who was not, why.

    Example: sampan demo
    """
    raise typer.Exit(play_files(demo_files(), as_json=as_json))


def demo_files() -> list[Path]:
    """The bundled files, whose names begin with a number.

    Raises:
        SetupProblem: they are not here, because this is not a checkout.
    """
    folder = Path(__file__).resolve().parents[2] / "tests" / "scenarios"
    found = sorted(folder.glob("[0-9][0-9]-*.yaml"))
    if not found:
        raise SetupProblem(
            "the bundled scenarios are not here.",
            code="no-scenarios",
            remedy="Run it in a checkout of Sampan, or name files: sampan scenario run FILE.",
        )
    return found


def play_files(
    files: Sequence[Path],
    *,
    as_json: bool,
    open_driver: OpenDriver | None = None,
    title_of: RuleTitle | None = None,
    write: Callable[[str], None] | None = None,
    console: Console | None = None,
) -> int:
    """Play files one after the other and print each as it ends.

    Args:
        open_driver: what to play on; the real services where it stays out.
        title_of: rule id → title.
        write: where a line of JSON goes.
        console: where tables go.

    Returns:
        0: all hold; 1: one does not; 2: a file cannot be read.
    """
    console = console or Console()
    write = write or _line_writer(console)
    try:
        with _stage(open_driver, title_of) as (driver, titles):
            return _play_all(files, driver, titles, write if as_json else None, console)
    except SetupProblem as error:
        console.print(error.sentence(), style="red", markup=False)
        return USAGE


def _play_all(
    files: Sequence[Path],
    driver: OpenDriver,
    titles: RuleTitle,
    write: Callable[[str], None] | None,
    console: Console,
) -> int:
    results: list[Result] = []
    unread = False
    for path in files:
        try:
            result = asyncio.run(run_text(_read(path), str(path), driver))
        except SampanError as error:
            unread = True
            _say_unread(path, error, write, console)
            continue
        results.append(result)
        if write is not None:
            write(json.dumps(result.as_json(), ensure_ascii=False))
        else:
            console.print(file_report(result, titles))
    if write is None and len(files) > 1:
        console.print(summary_table(results))
    if unread:
        return USAGE
    return 0 if all(result.passed for result in results) else FAILED


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise ScenarioError(
            "the file cannot be read.",
            file=str(path),
            line=1,
            remedy="Check the name, the right to read it, and that it is UTF-8 text.",
        ) from None


def _say_unread(
    path: Path, error: SampanError, write: Callable[[str], None] | None, console: Console
) -> None:
    if write is None:
        console.print(error.sentence(), style="red", markup=False)
        return
    sentence = error.sentence()
    unread = {"scenario": path.stem, "passed": False, "expected": [], "actual": [], "problems": [sentence]}
    write(json.dumps({**unread, "file": str(path)}, ensure_ascii=False))


@contextmanager
def _stage(
    open_driver: OpenDriver | None, title_of: RuleTitle | None
) -> Iterator[tuple[OpenDriver, RuleTitle]]:
    """What is played on: what was given, else a throw-away instance, which needs the server's packages."""
    if open_driver is not None:
        yield open_driver, title_of or str
        return
    try:
        world = importlib.import_module("services.scenario.instance_world")
    except ModuleNotFoundError:
        raise SetupProblem(
            "playing scenarios needs the server's packages.",
            code="no-server",
            remedy='Install the server part with: pip install "sampan[server]".',
        ) from None
    with world.instance_world() as (driver, titles):
        yield driver, titles


def _line_writer(console: Console) -> Callable[[str], None]:
    def write(line: str) -> None:
        console.file.write(line + "\n")

    return write

"""What the engine was asked in each story, and what it answered: a history to decide anew, or to explain."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from contracts.case_record import CaseRecord
from contracts.decision import Decision, Step
from contracts.errors import InvalidInput, SetupProblem
from routing.law import Law
from routing.state import Recorded, facts_of, recorded
from routing.step import step
from services.scenario.driver import Driver
from services.scenario.engine_driver import EngineDriver
from services.scenario.model import Scenario
from services.scenario.parse import parse_scenario
from services.scenario.resolver import DirectoryResolver
from services.scenario.run import run_scenario

FILE_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Taken:
    """One record as the engine took it: what it started from, and what it concluded."""

    state: bytes | None
    record: Recorded
    kin: Mapping[UUID, bytes]
    decision: Decision


@dataclass(frozen=True, slots=True)
class History:
    """One run of a story. ``events``: step → the events it became."""

    story: str
    variant: str
    taken: tuple[Taken, ...]
    events: Mapping[str, tuple[UUID, ...]]

    @property
    def name(self) -> str:
        """Story and variant."""
        return f"{self.story} ({self.variant})" if self.variant else self.story


def story_files(folder: Path | None = None) -> list[Path]:
    """The stories of a folder, else those that come with a checkout.

    Raises:
        SetupProblem: there are none.
    """
    folder = folder or Path(__file__).resolve().parents[2] / "tests" / "scenarios"
    found = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not found:
        raise SetupProblem("there are no stories here", code="no-scenarios",
                           remedy="Name a folder of scenario files, or run it in a checkout of Sampan.")  # fmt: skip
    return found


def read_story(path: Path) -> Scenario:
    """One story.

    Raises:
        InvalidInput: the file cannot be read, or is not of the format; file and line.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput("the file is larger than 1 MiB", code="file-too-large", field=path.name)
        return parse_scenario(path.read_text("utf-8"), path.name)
    except (OSError, UnicodeDecodeError):
        raise InvalidInput("the file cannot be read", code="file-unreadable", field=path.name,
                           remedy="Check the name, and that it is UTF-8 text.") from None  # fmt: skip


async def histories(
    stories: Iterable[Scenario], law: Law, progress: Callable[[str], None] = lambda story: None
) -> list[History]:
    """Play stories on the engine and keep what it was asked, variants too."""
    found: list[History] = []
    for story in stories:
        progress(story.slug)
        runs: list[list[Taken]] = []
        result = await run_scenario(story, lambda runs=runs: _recording(law, runs))  # type: ignore[misc]
        for taken, (variant, run) in zip(runs, result.runs.items(), strict=True):
            events = {played.step.id: played.result.event_ids for played in run.steps}
            found.append(History(story.slug, variant, tuple(taken), events))
    return found


@asynccontextmanager
async def _recording(law: Law, runs: list[list[Taken]]) -> AsyncIterator[Driver]:
    taken: dict[tuple[UUID, UUID], Taken] = {}  # the driver asks each thing twice, to compare

    def asked(state: bytes | None, record: CaseRecord, by: Any, kin: Mapping[UUID, bytes]) -> Step:
        done = step(state, record, by, kin)
        taken[record.event_id, record.subject] = Taken(state, recorded(record), dict(kin), done.decision)
        return done

    kept: list[Taken] = []
    runs.append(kept)
    yield EngineDriver(asked, law, DirectoryResolver(law.directory), facts_of)
    kept.extend(taken.values())

"""How a command ends when it does not end well: one sentence, a remedy, an exit code. Never a traceback.

| code | meaning |
|---|---|
| 0 | done |
| 1 | refused or failed; the sentence says why |
| 2 | the command was typed wrongly |
| 3 | questions remain; the result workbook has them |
| 4 | no connection; what was sealed waits in the spool |
| 130 | stopped by Ctrl-C; what was and was not sent is said |
"""

from __future__ import annotations

import os
import traceback
from enum import IntEnum
from pathlib import Path

from contracts.api import Problem
from contracts.errors import SampanError
from services.cli.screen import Screen
from services.client.errors import NoConnection


class ExitCode(IntEnum):
    """What the shell gets."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    QUESTIONS = 3
    SPOOLED = 4
    STOPPED = 130


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with a sentence on what was done until then."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def code_of(error: SampanError) -> ExitCode:
    """4 for a line that is down, 1 for everything else."""
    return ExitCode.SPOOLED if isinstance(error, NoConnection) else ExitCode.FAILED


def problem_of(error: SampanError) -> dict[str, object]:
    """The error as RFC 9457 problem details, for ``--json``."""
    problem = Problem(
        title=error.message,
        status=error.http_status,
        code=error.code,
        field=error.field,
        remedy=error.remedy,
    )
    return problem.model_dump(exclude_none=True)


def report(screen: Screen, error: SampanError) -> ExitCode:
    """Say what went wrong and what to do."""
    screen.json({"problem": problem_of(error)})
    screen.remark(f"sampan: {error.sentence()}", style="red")
    return code_of(error)


def report_stop(screen: Screen, stop: KeyboardInterrupt) -> ExitCode:
    """Say what Ctrl-C interrupted."""
    sentence = stop.sentence if isinstance(stop, Stopped) else "stopped; nothing was sent."
    screen.json({"stopped": sentence})
    screen.remark(f"sampan: {sentence}", style="yellow")
    return ExitCode.STOPPED


def report_defect(screen: Screen, error: Exception) -> ExitCode:
    """A mistake of ours. Its message may hold a value of a person, so only its kind and place are shown."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    screen.json({"problem": {"title": "internal error", "status": 500, "code": "defect", "detail": place}})
    screen.remark(
        f"sampan: something is wrong in sampan itself ({type(error).__name__} at {place}). "
        "What was sealed waits in the spool; please report this line.",
        style="red",
    )
    if os.environ.get("SAMPAN_DEBUG"):
        screen.remark("".join(traceback.format_tb(error.__traceback__)))
    return ExitCode.FAILED

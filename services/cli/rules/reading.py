"""Where rules and directory come from: a folder that was named, else the ones that come with Sampan."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from contracts.errors import InvalidInput
from deploy.region import FOLDER, load_region
from routing.law import Law, sample_rules, whole_rules
from services.cli.session import Session

FILE_BYTES_MAX: Final = 1024 * 1024

RulesFolder = Annotated[
    Path | None, typer.Argument(metavar="[FOLDER]", help="Folder of rule files; Sampan's own where it stays out.")
]
Rules = Annotated[Path | None, typer.Option("--rules", help="Folder of rule files; Sampan's own where it stays out.")]
Region = Annotated[
    Path | None, typer.Option("--region", help="Folder of the directory; the sample region where it stays out.")
]
On = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="As of this day; today where it stays out.")
]


def rule_texts(folder: Path | None) -> dict[str, str]:
    """The rule files of a folder: name → text.

    Raises:
        InvalidInput: no such folder, no rule file in it, or one that cannot be read.
    """
    if folder is None:
        return sample_rules()
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not paths:
        raise InvalidInput("there are no rule files here", code="no-rules", field=folder.name,
                           remedy="Name a folder with files like 01-consent.yaml.")  # fmt: skip
    return whole_rules({path.name: read_text(path) for path in paths})


def read_text(path: Path) -> str:
    """A small UTF-8 file.

    Raises:
        InvalidInput: it is not there, too large, or not text.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise InvalidInput("the file is larger than 1 MiB", code="file-too-large", field=path.name,
                               remedy="Split it.")  # fmt: skip
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput("the file cannot be read", code="file-unreadable", field=path.name,
                           remedy="Check the right to read it, and that it is UTF-8 text.") from None  # fmt: skip


def read_law(rules: Path | None, region: Path | None) -> Law:
    """The law of a folder of rules over a directory.

    Raises:
        InvalidInput: what a file says is wrong; ``file:line`` and the mend.
    """
    if region is not None and not region.is_dir():
        raise InvalidInput("there is no such folder", code="no-region", field="--region",
                           remedy="Name a folder with a directory's files.")  # fmt: skip
    return Law.load(rule_texts(rules), load_region(region or FOLDER))


def day_of(session: Session, on: datetime | None) -> date:
    """The day a question is about."""
    return on.date() if on is not None else session.clock.now().astimezone(UTC).date()

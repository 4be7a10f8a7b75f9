"""IOM's HTCDS workbook as rows to send, and the result workbook that goes back to the caseworker."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from adapters.htcds import inbound, result
from adapters.htcds.inbound import Lookups, Question
from adapters.htcds.inbound import Row as SheetRow
from contracts.api import SubmitReceipt
from services.client.files import private_folder, write_private
from services.client.rows import Row, content_of
from services.client.secret import Secret

_RESULT = re.compile(r"\.result(-\d+)?$")


@dataclass(frozen=True, slots=True)
class Workbook:
    """A read workbook: its rows as the adapter has them, and as rows to send, in the same order."""

    document: bytes
    sheet_rows: Sequence[SheetRow]
    rows: Sequence[Row]


def read_workbook(
    document: bytes,
    *,
    sender: str,
    acting_as: str | None,
    now: datetime,
    ids: Secret,
    progress: Callable[[int, int], None] | None = None,
) -> Workbook:
    """Read a workbook row by row.

    Raises:
        InvalidInput: the document as a whole cannot be taken; names column and remedy.
    """
    lookups = Lookups(sender=sender, acting_as=acting_as, now=now, ids=ids.uuid)
    sheet_rows = inbound.read(document, lookups, progress)
    return Workbook(document, sheet_rows, [_row(row) for row in sheet_rows])


def result_path(path: Path, untouched: Callable[[Path], bool]) -> Path:
    """Where the result workbook goes: beside the document, never over one that is being filled in.

    Args:
        untouched: whether a file of that name is still as this client wrote it.
    """
    stem = _RESULT.sub("", path.stem)
    candidate, number = path.with_name(f"{stem}.result.xlsx"), 2
    while candidate.exists() and (candidate == path or not untouched(candidate)):
        candidate = path.with_name(f"{stem}.result-{number}.xlsx")
        number += 1
    return candidate


class Written:
    """Remembers, by keyed digest alone, which result workbooks are as this client wrote them."""

    def __init__(self, folder: Path, secret: Secret) -> None:
        self._folder = private_folder(folder / "results")
        self._secret = secret

    def untouched(self, path: Path) -> bool:
        """Whether nobody has changed the file since."""
        return self._mark(path.read_bytes()).exists()

    def write(self, path: Path, document: bytes) -> None:
        """Write a result workbook for its owner alone, and remember it."""
        write_private(path, document)
        write_private(self._mark(document), b"")

    def _mark(self, document: bytes) -> Path:
        return self._folder / self._secret.content(document)


def write_result(workbook: Workbook, fates: Sequence[tuple[str, SubmitReceipt | None]]) -> bytes:
    """The result workbook: the sender's sheet with columns for the answers, and each row's fate and receipt.

    Args:
        fates: one per row, in order: words such as "sent", and the receipt where there is one.
    """
    outcomes = {
        row.number: result.Outcome(words, receipt.case_code if receipt else None)
        for row, (words, receipt) in zip(workbook.sheet_rows, fates, strict=True)
        if row.state == "accepted"
    }
    return result.write(workbook.document, workbook.sheet_rows, outcomes)


def _row(row: SheetRow) -> Row:
    return Row(
        label=f"row {row.number}",
        events=row.events if row.state == "accepted" else (),
        contents=tuple(content_of(event) for event in row.events),
        questions=tuple(_words(question) for question in row.questions),
        problems=tuple(row.refusals),
    )


def _words(question: Question) -> str:
    choices = f" ({' / '.join(question.choices)})" if 0 < len(question.choices) <= 8 else ""
    return f"{question.label}: {question.text}{choices}"

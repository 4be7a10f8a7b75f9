"""``sampan submit`` with IOM's workbook: receipts, questions, and the result workbook."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import openpyxl

from tests.support.command import Sampan
from tests.support.stub_server import StubServer
from tests.support.workbooks import ANSWERED, NOY, cell_of, workbook

MAI: dict[str, Any] = NOY | {"First Name": "Mai", "Gender": "Feminine", "Mobile Phone": "+856205550148"}


def test_a_complete_row_is_sent_and_an_incomplete_one_asks(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """One row gets a receipt, the other its questions in words; exit code 3."""
    path = _written(folder, NOY | ANSWERED, MAI)
    result = sampan("submit", str(path), "--as", "ngo-th")
    assert result.exit_code == 3, result.output
    assert "SP-K7RM-0002" in result.output
    assert "In which country was the person found?" in result.output
    assert [control.event for control in server.controls()] == ["ConsentGiven", "IdentificationRequested"]
    assert "Mai" not in result.output


def test_filling_in_the_result_workbook_releases_the_row(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """The answered row is sent; the row that was sent before is not sent again."""
    path = _written(folder, NOY | ANSWERED, MAI)
    sampan("submit", str(path), "--as", "ngo-th")
    result_file = folder / "CASE.result.xlsx"
    assert cell_of(result_file.read_bytes(), "Sheet1", "Receipt", 3)
    _fill_in(result_file, row=4)
    before = len(server.submissions)
    result = sampan("submit", str(result_file), "--as", "ngo-th", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["files"][0]["rows"]
    assert [row["state"] for row in rows] == ["already sent", "sent"]
    assert len(server.submissions) == before + 2


def test_a_result_workbook_never_replaces_one_that_is_being_filled_in(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """Sending the first file again writes a second result file and leaves the first as it is."""
    path = _written(folder, MAI)
    sampan("submit", str(path), "--as", "ngo-th")
    _fill_in(folder / "CASE.result.xlsx", row=3)
    filled = (folder / "CASE.result.xlsx").read_bytes()
    sampan("submit", str(path), "--as", "ngo-th")
    assert (folder / "CASE.result.xlsx").read_bytes() == filled
    assert (folder / "CASE.result-2.xlsx").exists()


def test_an_untouched_result_workbook_is_written_anew_in_its_place(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """Sending the same file three times leaves one result workbook, not three copies of her name."""
    path = _written(folder, MAI)
    for _ in range(3):
        sampan("submit", str(path), "--as", "ngo-th")
    assert sorted(each.name for each in folder.glob("*.xlsx")) == ["CASE.result.xlsx", "CASE.xlsx"]


def test_a_bad_row_is_refused_in_words_and_the_good_one_goes(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """An unknown country stops its own row, named by row and column without its value."""
    path = _written(folder, MAI | ANSWERED | {"Citizenship": "Atlantis"}, NOY | ANSWERED)
    result = sampan("submit", str(path), "--as", "ngo-th")
    assert result.exit_code == 1
    assert "row 3, column 'Citizenship'" in result.output
    assert "Atlantis" not in result.output
    assert len(server.submissions) == 2


def test_a_file_that_is_no_workbook_is_one_sentence(sampan: Sampan, server: StubServer, folder: Path) -> None:
    """A text file under the name of a workbook: refused, nothing sent, no traceback."""
    path = folder / "CASE.xlsx"
    path.write_bytes(b"name;born\nx;y\n")
    result = sampan("submit", str(path), "--as", "ngo-th")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "sampan: " in result.output
    assert server.bodies == []


def test_a_workbook_is_never_sent_in_clear(sampan: Sampan, server: StubServer, folder: Path) -> None:
    """--assisted with a workbook is refused before anything is read from it."""
    result = sampan("submit", str(_written(folder, NOY | ANSWERED)), "--as", "ngo-th", "--assisted")
    assert result.exit_code == 1
    assert "only JSON" in result.output
    assert server.bodies == []
    assert server.assisted == []


def _written(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "CASE.xlsx"
    path.write_bytes(workbook(*rows))
    return path


def _fill_in(path: Path, row: int) -> None:
    """Answer a row's questions as a caseworker would: open, fill the columns, save."""
    book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
    sheet = book["Sheet1"]
    at = {cell.value: cell.column for cell in sheet[1] if cell.value}
    for name, value in ANSWERED.items():
        sheet.cell(row, at[name], value)
    book.save(path)

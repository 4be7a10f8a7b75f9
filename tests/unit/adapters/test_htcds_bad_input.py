"""HTCDS in: what is wrong is named with place and remedy, never with its value, and changes nothing."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from adapters.htcds import inbound
from adapters.htcds.container import FILE_BYTES_MAX
from contracts.errors import InvalidInput
from tests.support.workbooks import ANSWERED, HIDDEN_AND_VISIBLE, NOY, repacked, workbook

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOOKUPS = inbound.Lookups(
    sender="ngo-th", now=NOW, ids=inbound.keyed_ids(b"an invented key of 32 bytes long")
)
WHOLE = NOY | ANSWERED


def excel(*when: int) -> datetime:
    return datetime(*when)  # type: ignore[arg-type,misc]  # noqa: DTZ001 - a cell of Excel has no zone


CELLS: list[tuple[str, str, Any, str, str]] = [
    ("unknown country", "Citizenship", "Narnia", "unknown-country", "ISO 3166-1"),
    ("unknown mailing country", "Mailing Country", "XX", "unknown-country", "ISO 3166-1"),
    ("unknown code", "Type of Exploitation", "Slavery", "unknown-code", "'Forced labour'"),
    ("one unknown of two", "Methods of Control", "DebtBondage;Magic", "unknown-code", "'Debt bondage'"),
    ("future birth date", "Birthdate", excel(2030, 1, 1), "date-in-future", "Correct"),
    ("future referral date", "Outgoing Referral Date", excel(2026, 3, 3), "date-in-future", "Correct"),
    ("Buddhist-era year", "Birthdate", excel(2544, 8, 14), "buddhist-year", "543"),
    ("Buddhist-era year as text", "Birthdate", "2544-08-14", "buddhist-year", "543"),
    ("trap 17: cut by a time zone", "Birthdate", excel(1982, 10, 9, 17), "date-with-time", "without a time"),
    ("trap 17: the same as text", "Birthdate", "1982-10-09T17:00:00Z", "date-with-time", "without a time"),
    ("trap 19: eleven characters", "Birthdate", "22012-01-01", "not-a-date", "year-month-day"),
    ("a date of two readings", "Birthdate", "03/04/2001", "not-a-date", "year-month-day"),
    ("no such day", "Birthdate", "2001-02-30", "not-a-date", "year-month-day"),
    ("a bare number for a date", "Birthdate", 37117, "not-a-date", "as a date"),
    ("more than 120 years", "Birthdate", excel(1900, 3, 1), "date-too-old", "Correct"),
    ("formula", "First Name", '=CONCATENATE("a","b")', "cell-formula", "paste it as a value"),
    ("an error of Excel's", "First Name", "#N/A", "cell-error", "again"),
    ("a name that Excel made a date", "First Name", excel(2001, 3, 1), "cell-date", "text"),
    ("neither yes nor no", "Consent", "perhaps", "unknown-code", "Yes or No"),
    ("too long", "First Name", "x" * 401, "cell-too-long", "Shorten"),
    ("place found", "sampan_found_in", "Siam", "unknown-country", "TH"),
    ("address", "sampan_consent_to", "the embassy", "bad-address", "ROLE@CC"),
    ("consent already over", "sampan_consent_until", excel(2026, 3, 1), "consent-ended", "again"),
    ("consent end by Buddhist year", "sampan_consent_until", excel(2569, 6, 1), "buddhist-year", "543"),
    ("consent end out of sight", "sampan_consent_until", excel(2226, 6, 1), "too-far-ahead", "date"),
    ("consent for 25 years", "sampan_consent_until", "25y", "too-far-ahead", "unit"),
    ("consent for 9999 years", "sampan_consent_until", "9999y", "bad-duration", "unit"),
    ("language", "sampan_consent_language", "Laotian language", "unknown-language", "lo"),
    ("urgency", "sampan_priority", "quick", "unknown-code", "'Urgent (72 hours)'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "value", "code", "remedy"), [c[1:] for c in CELLS], ids=[c[0] for c in CELLS]
)
def test_a_bad_cell_refuses_its_row_by_place_and_remedy(
    column: str, value: Any, code: str, remedy: str
) -> None:
    """Row, column and remedy are named; the cell's value is nowhere; the next row goes."""
    bad, good = inbound.read(workbook(WHOLE | {column: value}, WHOLE | {"First Name": "Dao"}), LOOKUPS)
    assert (bad.state, bad.events) == ("refused", ())
    (refusal,) = bad.refusals
    assert refusal.code == code
    assert "row 3, column" in str(refusal.field)
    assert remedy in str(refusal.remedy)
    if isinstance(value, str) and len(value) < 100:
        assert value not in refusal.sentence()
    assert good.state == "accepted"


QUESTIONS: list[tuple[str, str, Any]] = [
    ("trap 15: phone as a number", "Mobile Phone", 205550147),
    ("trap 15: postal code as a number", "Mailing Zip/Postal Code", 1600),
    ("phone without country", "Home Phone", "020 555 0147"),
]


@pytest.mark.parametrize(("column", "value"), [q[1:] for q in QUESTIONS], ids=[q[0] for q in QUESTIONS])
def test_lost_zeros_and_missing_country_codes_are_asked_for(column: str, value: Any) -> None:
    """What a number has lost, only the sender knows."""
    (row,) = inbound.read(workbook(WHOLE | {column: value}), LOOKUPS)
    assert row.state == "question"
    (question,) = row.questions
    assert question.label == column
    assert str(value) not in question.text


def test_phones_may_be_written_with_spaces() -> None:
    """+856 20 5550 147 is +856205550147."""
    (row,) = inbound.read(workbook(WHOLE | {"Mobile Phone": "+856 (20) 555-0147"}), LOOKUPS)
    assert row.state == "accepted"


def test_merged_cells_refuse_their_rows_alone() -> None:
    """A merged cell belongs to several columns or rows; nobody can say which."""

    def merge(sheet: Worksheet) -> None:
        sheet.merge_cells("C3:D3")

    first, second = inbound.read(workbook(WHOLE, WHOLE | {"First Name": "Dao"}, change=merge), LOOKUPS)
    assert [refusal.code for refusal in first.refusals] == ["cell-merged"]
    assert second.state == "accepted"


def test_a_value_without_a_header_is_not_dropped_in_silence() -> None:
    """A note typed beside the table refuses its row."""
    document = workbook(WHOLE, change=lambda sheet: sheet.cell(3, 70, "canary"))  # type: ignore[arg-type,return-value]
    (row,) = inbound.read(document, LOOKUPS)
    assert [refusal.code for refusal in row.refusals] == ["column-nameless"]
    assert "canary" not in row.refusals[0].sentence()


def refused(document: bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        inbound.read(document, LOOKUPS)
    assert caught.value.remedy
    assert "Noy" not in caught.value.sentence()
    return caught.value


def test_a_missing_column_is_named_by_its_label() -> None:
    """A sheet without citizenship is not the template."""
    headers = [pair for pair in HIDDEN_AND_VISIBLE if pair[1] != "Citizenship"]
    error = refused(workbook({"First Name": "Noy"}, headers=headers))
    assert (error.code, error.field) == ("column-missing", "column 'Citizenship'")


def test_a_moved_column_is_refused() -> None:
    """Label and hidden name that disagree, but for IOM's four, mean that somebody moved cells."""
    headers = [
        ("prs_SecondName" if pair[1] == "First Name" else pair[0], pair[1]) for pair in HIDDEN_AND_VISIBLE
    ]
    assert refused(workbook({"First Name": "Noy"}, headers=headers)).code == "column-moved"


def test_an_unknown_column_is_refused() -> None:
    """Nothing that a sender wrote is left behind in silence."""
    assert (
        refused(workbook(NOY, headers=[*HIDDEN_AND_VISIBLE, ("prs_Nickname", "Nickname")])).code
        == "column-unknown"
    )


def test_a_column_twice_is_refused() -> None:
    """Two columns of one name hold two values."""
    assert (
        refused(workbook(NOY, headers=[*HIDDEN_AND_VISIBLE, ("prs_Title", "Title")])).code == "column-twice"
    )


def test_a_translated_label_is_read_by_its_hidden_name_but_not_in_the_four_address_columns() -> None:
    """The hidden name helps where it is right."""
    thai = [(name, "ชื่อ" if name == "prs_FirstName" else label) for name, label in HIDDEN_AND_VISIBLE]
    row = {("ชื่อ" if key == "First Name" else key): value for key, value in WHOLE.items()}
    assert inbound.read(workbook(row, headers=thai), LOOKUPS)[0].state == "accepted"
    thai = [(name, "เมือง" if name == "prs_MailingCity" else label) for name, label in HIDDEN_AND_VISIBLE]
    assert refused(workbook({"First Name": "Noy"}, headers=thai)).code == "column-unknown"


def test_no_header_row() -> None:
    """Without the hidden field names it is some other sheet."""
    headers = [("", label) for _, label in HIDDEN_AND_VISIBLE]
    assert refused(workbook({"First Name": "Noy"}, headers=headers)).code == "header-missing"


def test_two_case_sheets() -> None:
    """Which of two sheets is meant is not guessed."""

    def copy(sheet: Worksheet) -> None:
        assert sheet.parent is not None
        sheet.parent.copy_worksheet(sheet)

    assert refused(workbook(NOY, change=copy)).code == "two-case-sheets"


def test_a_40_mb_file() -> None:
    """Refused by its size, before anything is opened."""
    assert refused(b"PK\x03\x04" + bytes(40 * 1024 * 1024)).code == "file-too-large"
    assert FILE_BYTES_MAX < 40 * 1024 * 1024


def test_a_zip_bomb_as_xlsx() -> None:
    """A part that swells is refused by the archive's directory, before it is unpacked."""
    swollen = repacked(
        workbook(NOY), lambda name, content: content, {"xl/media/a.xml": bytes(40 * 1024 * 1024)}
    )
    assert len(swollen) < 200_000
    assert refused(swollen).code == "workbook-swells"


def test_many_parts() -> None:
    """Thousands of small parts are refused too."""
    many = {f"xl/{number}.xml": b"<a/>" for number in range(500)}
    assert refused(repacked(workbook(NOY), lambda name, content: content, many)).code == "workbook-swells"


def test_an_entity_that_doubles_itself() -> None:
    """Document types are not read at all."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a>&d;</a>'
    changed = repacked(workbook(NOY), lambda name, content: bomb if name == "xl/styles.xml" else content)
    assert refused(changed).code == "workbook-swells"


def test_xml_in_another_encoding_hides_nothing() -> None:
    """UTF-16 would hide a document type from a look at the bytes."""
    utf16 = '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16")
    changed = repacked(workbook(NOY), lambda name, content: utf16 if name == "xl/styles.xml" else content)
    assert refused(changed).code == "workbook-damaged"


def test_macros() -> None:
    """.xlsm, renamed or not."""
    assert (
        refused(repacked(workbook(NOY), lambda n, c: c, {"xl/vbaProject.bin": b"x"})).code
        == "workbook-macros"
    )


def test_encrypted_and_old_workbooks_are_told_apart() -> None:
    """Both are OLE2 files; the remedies differ."""
    ole2 = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)
    assert refused(ole2 + "EncryptedPackage".encode("utf-16-le")).code == "workbook-encrypted"
    assert refused(ole2 + "Workbook".encode("utf-16-le")).code == "workbook-old-format"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"First Name,Second Name\nNoy,Testperson\n", "workbook-is-csv"),
        (b"", "file-empty"),
        (b"%PDF-1.7\x00", "not-a-workbook"),
        (b"PK\x03\x04 and no more", "workbook-damaged"),
    ],
)
def test_other_files(document: bytes, code: str) -> None:
    """A CSV, an empty file, a PDF and a torn archive each have their own sentence."""
    assert refused(document).code == code


def test_an_archive_that_is_no_workbook() -> None:
    """An OpenDocument sheet is a zip too."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    assert refused(out.getvalue()).code == "not-a-workbook"


@pytest.mark.parametrize("cut", [100, 1000, 4000])
def test_a_torn_workbook(cut: int) -> None:
    """A file cut short by a bad line is refused, not half read."""
    document = workbook(NOY)
    assert refused(document[: len(document) - cut]).code == "workbook-damaged"


def test_garbage_in_a_sheet() -> None:
    """Whatever the parser stumbles over becomes one sentence."""
    changed = repacked(
        workbook(NOY),
        lambda name, content: content[: len(content) // 2] if name.endswith("sheet1.xml") else content,
    )
    assert refused(changed).code == "workbook-damaged"


def test_every_error_of_a_row_is_told_at_once() -> None:
    """A caseworker mends a row in one go."""
    bad = WHOLE | {"Gender": "F", "Birthdate": NOW.replace(tzinfo=None) + timedelta(days=400)}
    (row,) = inbound.read(workbook(bad | {"sampan_priority": None}), LOOKUPS)
    assert {refusal.code for refusal in row.refusals} == {"unknown-code", "date-with-time"}
    assert {question.column for question in row.questions} == {"sampan_priority"}

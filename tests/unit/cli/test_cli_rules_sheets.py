"""``sampan rules export`` and ``import``: a lawyer's table, out and back, and what is refused of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from contracts.errors import InvalidInput
from routing.law import sample_rules
from services.cli.rules.editing import edited
from services.cli.rules.sheet import COLUMNS, escaped, unescaped, write
from services.cli.rules.sheet_reading import Edit, read
from tests.support.pure_law import sample_law
from tests.support.rules_command import run_rules, write_rules

RULES = sample_law().rules
AT = {column.title: number for number, column in enumerate(COLUMNS, 1)}
ROW = {rule.id: number for number, rule in enumerate(RULES, 2)}


def changed(change: Callable[[Any], None]) -> bytes:
    """The exported workbook with something done to its sheet."""
    book = load_workbook(io.BytesIO(write(RULES)))
    change(book["rules"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def put(rule: str, column: str, value: Any) -> bytes:
    """The exported workbook with one cell changed."""

    def change(sheet: Any) -> None:
        sheet.cell(ROW[rule], AT[column]).value = value

    return changed(change)


def test_what_was_not_changed_comes_back_as_no_change() -> None:
    """Every cell of the export reads back as what it was written from."""
    assert read(write(RULES), RULES) == []


@pytest.mark.parametrize(
    ("column", "value", "key"),
    [
        ("title", "Another title", "title"),
        ("source and article", "ACTIP 14(3), read anew", "cite"),
        ("mark", "S/R", "mark"),
        ("review by", date(2028, 1, 1), "review_on"),
        ("review by", "2028-01-01", "review_on"),
        ("until (that day excluded)", date(2027, 1, 1), "valid_to"),
        ("language read", "th", "language"),
        ("counsel's remark", "=cmd() is text", "remark"),
    ],
)
def test_what_counsel_may_change_comes_back(column: str, value: Any, key: str) -> None:
    """Each white column is an edit of its key, and of nothing else."""
    text = escaped(value) if isinstance(value, str) else value
    (edit,) = read(put("R22", column, text), RULES)
    wanted = date.fromisoformat(value) if key == "review_on" and isinstance(value, str) else value
    assert (edit.rule.id, {name: will for name, (_, will) in edit.changed.items()}) == ("R22", {key: wanted})


@pytest.mark.parametrize(
    ("document", "at"),
    [
        (put("R22", "when it speaks", "always"), "rules!D"),
        (put("R22", "what it does", "Tells everybody."), "rules!E"),
        (put("R22", "must speak on", "anybody"), "rules!N"),
        (put("R22", "title", "=HYPERLINK(1)"), "rules!C"),
        (put("R22", "title", None), "rules!C"),
        (put("R22", "review by", "soon"), "rules!M"),
        (put("R22", "rule", "R999"), "rules!A"),
        (put("R22", "rule", "R21"), "rules!A"),
        (put("R22", "counsel's decision", "perhaps"), "rules!S"),
        (put("R22", "counsel's remark", "x" * 5001), "rules!R"),
        (changed(lambda sheet: sheet.delete_cols(AT["mark"])), "rules!1"),
        (changed(lambda sheet: sheet.cell(6000, 1, "R1")), "rules"),
        (b"PK\x03\x04 not really", "workbook"),
        (b"rule,title\n", "workbook"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_may_not_be_changed_or_trusted_is_refused_with_its_cell(document: bytes, at: str) -> None:
    """Conditions and effects, formulas, strange rows and files that are no workbook: each with place and remedy."""
    with pytest.raises(InvalidInput) as caught:
        read(document, RULES)
    assert (caught.value.field or "").startswith(at)
    assert caught.value.remedy


def test_no_cell_of_the_export_is_a_formula() -> None:
    """A title that begins like a formula is text in every program, and comes back as it was."""
    for text in ("=1+1", "+1", "-1", "@SUM", "'=1", "'quoted", "plain"):
        assert unescaped(escaped(text)) == text
        assert not escaped(text).startswith(("=", "+", "-", "@"))
    hostile = replace(RULES[0], title="=1+1", remark="@SUM(A1)")
    book = load_workbook(io.BytesIO(write([hostile])))
    assert all(cell.data_type != "f" for row in book["rules"].iter_rows() for cell in row)
    assert read(write([hostile]), [hostile]) == []


def test_another_workbook_is_no_rule_table() -> None:
    """A workbook without the sheet is refused before a cell is read."""
    out = io.BytesIO()
    Workbook().save(out)
    with pytest.raises(InvalidInput, match="no sheet named rules"):
        read(out.getvalue(), RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_an_edit_touches_its_own_lines_alone(rule: Any) -> None:
    """A new source and a remark change or add two lines of one file; every comment and every other line stays."""
    texts = sample_rules()
    edit = Edit(rule, {"cite": (rule.cite, "Read anew: a, b"), "remark": (None, "Fine.")})
    ((file, text),) = edited(texts, [edit]).items()
    lines = list(ndiff(texts[file].splitlines(), text.splitlines()))
    assert [line.split(":")[0].strip() for line in lines if line.startswith("- ")] == ["-   cite"]
    assert [line[4:] for line in lines if line.startswith("+ ")] == ['cite: "Read anew: a, b"', "remark: Fine."] or [
        line[4:] for line in lines if line.startswith("+ ")
    ] == ["cite: 'Read anew: a, b'", "remark: Fine."]
    assert file == rule.where.rpartition(":")[0]


def test_the_command_shows_asks_and_writes_or_does_not(tmp_path: Path) -> None:
    """No answer, no write; yes writes the one file; a second import finds nothing left to change."""
    folder = write_rules(tmp_path / "rules", sample_rules())
    sheet = tmp_path / "back.xlsx"
    assert run_rules("export", folder, "--xlsx", str(sheet)).exit_code == 0
    sheet.write_bytes(put("R22", "counsel's remark", "Read, and right."))
    before = (tmp_path / "rules" / "03-origin-asylum.yaml").read_text("utf-8")
    no = run_rules("import", folder, "--xlsx", str(sheet), typed="n\n")
    assert "Read, and right." in no.output
    assert (tmp_path / "rules" / "03-origin-asylum.yaml").read_text("utf-8") == before
    done = json.loads(run_rules("import", folder, "--xlsx", str(sheet), "--yes", "--json").stdout)
    assert done["written"] == ["03-origin-asylum.yaml"]
    assert "remark: Read, and right." in (tmp_path / "rules" / "03-origin-asylum.yaml").read_text("utf-8")
    assert json.loads(run_rules("import", folder, "--xlsx", str(sheet), "--yes", "--json").stdout)["edits"] == []


def test_an_import_that_would_not_load_writes_nothing(tmp_path: Path) -> None:
    """A mark that is none is refused by the rules' own loader, and no file changes."""
    folder = write_rules(tmp_path / "rules", sample_rules())
    sheet = tmp_path / "back.xlsx"
    sheet.write_bytes(put("R22", "mark", "certain"))
    done = run_rules("import", folder, "--xlsx", str(sheet), "--yes")
    assert done.exit_code == 1
    assert (tmp_path / "rules" / "03-origin-asylum.yaml").read_text("utf-8") == sample_rules()["03-origin-asylum.yaml"]

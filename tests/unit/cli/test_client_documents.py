"""Reading a sender's JSON: what bad input gets."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidInput, SampanError, SetupProblem
from services.client.documents import FILE_BYTES_MAX, read_document, rows_of_json
from services.client.rows import Row
from services.client.secret import Secret
from tests.support.submitted_documents import referral

NOW = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


def rows(content: bytes | str | dict[str, Any] | list[Any], secret: bytes = b"k" * 32) -> list[Row]:
    if isinstance(content, dict | list):
        content = json.dumps(content)
    document = content.encode() if isinstance(content, str) else content
    return rows_of_json(document, sender="ngo-th", secret=Secret(secret), now=NOW)


def refusal(document: dict[str, Any]) -> SampanError:
    (row,) = rows(document)
    (problem,) = row.problems
    return problem


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema_from_tomorrow": 1}, "schema_from_tomorrow"),
        ({"priority": "CANARY-9000"}, "priority"),
        ({"occurred_at": "2026-11-24T09:30:00"}, "occurred_at"),
        ({"case": "x" * 65}, "case"),
        ({"event": "no event"}, "event"),
        ({"subjects": [{"facts": {"found_in": "Atlantis CANARY-9000"}}]}, "subjects[0].facts.found_in"),
        ({"subjects": [{"groups": {"F1": {"given_name": ["CANARY-9000"]}}}]}, "subjects[0].groups"),
        ({"subjects": [{"groups": {"F0": {}}}]}, "subjects[0].groups"),
    ],
)
def test_a_bad_field_is_named_with_a_remedy_and_without_its_value(
    changes: dict[str, Any], field: str
) -> None:
    """Field path, what is wrong, what to do; never what stood there."""
    problem = refusal(referral(**changes))
    assert (problem.field or "").startswith(field)
    assert problem.remedy
    assert "CANARY" not in problem.sentence()
    assert "Atlantis" not in problem.sentence()


def test_a_document_in_the_name_of_another_agency_is_refused() -> None:
    """The sender is who runs the command."""
    assert refusal(referral(sender="ngo-kh")).code == "sender-of-another-agency"


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"a": NaN}', '{"a": ', "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "[1, 2"],
)
def test_broken_json_says_where_and_changes_nothing(text: str) -> None:
    """Each kind of broken JSON is one coded sentence."""
    with pytest.raises(InvalidInput) as caught:
        rows(text)
    assert caught.value.code == "bad-json"


@given(st.binary(max_size=200))
def test_garbage_never_raises_anything_but_our_errors(garbage: bytes) -> None:
    """Any bytes: rows, or a SampanError."""
    with contextlib.suppress(SampanError):
        rows(garbage)


def test_the_same_document_has_the_same_ids_and_another_has_others() -> None:
    """Ids derive from the content under the agency's key, so a guess at the content cannot be tested."""
    first, again = rows(referral())[0].events[0], rows(referral())[0].events[0]
    other = rows(referral(priority="ROUTINE"))[0].events[0]
    elsewhere = rows(referral(), secret=b"x" * 32)[0].events[0]
    assert first.submission_id == again.submission_id
    assert len({first.submission_id, other.submission_id, elsewhere.submission_id}) == 3


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85"])
def test_a_line_of_ndjson_ends_at_the_line_feed_alone(separator: str) -> None:
    """Separators that JSON allows raw inside a string cut no event in two; CRLF is no part of a line."""
    person = referral()["subjects"][0]
    person["groups"]["F2"] = {"other": {"note": f"first{separator}second"}}
    lines = [json.dumps(referral(subjects=[person]), ensure_ascii=False), json.dumps(referral())]
    found = rows("\r\n".join(lines) + "\r\n")
    assert [(len(row.events), row.problems) for row in found] == [(1, ()), (1, ())]


def test_a_file_too_large_is_refused_unread(tmp_path: Path) -> None:
    """A 40 MB file: refused by its size, with a remedy."""
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    with pytest.raises(InvalidInput) as caught:
        read_document(path)
    assert caught.value.code == "file-too-large"


def test_no_such_file_an_empty_file_and_a_folder_are_sentences(tmp_path: Path) -> None:
    """Each is an error in words that names the file."""
    (tmp_path / "empty.json").write_bytes(b" \n")
    for name, kind in (("none.json", SetupProblem), ("empty.json", InvalidInput), (".", SetupProblem)):
        with pytest.raises(kind):
            read_document(tmp_path / name)


def test_a_pipe_is_refused_unread(tmp_path: Path) -> None:
    """What may never end is not read."""
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(SetupProblem) as caught:
        read_document(tmp_path / "pipe.json")
    assert caught.value.code == "no-file"

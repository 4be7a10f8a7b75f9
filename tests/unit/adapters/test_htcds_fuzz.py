"""HTCDS in: whatever arrives, it is read, asked about or refused; nothing else is ever raised."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.htcds import inbound
from contracts.errors import InvalidInput
from tests.support.workbooks import ANSWERED, HIDDEN_AND_VISIBLE, NOY, repacked, workbook

LOOKUPS = inbound.Lookups(
    sender="ngo-th",
    now=datetime(2026, 3, 2, tzinfo=UTC),
    ids=inbound.keyed_ids(b"an invented key of 32 bytes long"),
)
DOCUMENT = workbook(NOY | ANSWERED)
PARTS = [
    name for name in zipfile.ZipFile(io.BytesIO(DOCUMENT)).namelist() if name.endswith((".xml", ".rels"))
]
LABELS = [label for _, label in HIDDEN_AND_VISIBLE if label] + list(ANSWERED)
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"]), max_size=30)
VALUES = st.one_of(TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())


def read(document: bytes) -> list[inbound.Row]:
    try:
        return inbound.read(document, LOOKUPS)
    except InvalidInput:
        return []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_file_with_changed_bytes(data: st.DataObject) -> None:
    """A disk or a line that flips bytes."""
    damaged = bytearray(DOCUMENT)
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    read(bytes(damaged))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_part_with_changed_text(data: st.DataObject) -> None:
    """A sound archive whose XML is not."""
    part = data.draw(st.sampled_from(PARTS))
    cut = data.draw(st.integers(0, 4000))
    put = data.draw(
        st.sampled_from([b"", b"<", b"&x;", b"\x00", b"<c r='A3' t='e'><v>1</v></c>", b"99999999999"])
    )
    read(
        repacked(DOCUMENT, lambda name, old: old[:cut] + put + old[cut + len(put) :] if name == part else old)
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(LABELS), VALUES, min_size=1, max_size=6))
def test_any_value_in_any_cell(odd: dict[str, Any]) -> None:
    """A row is accepted, asked about or refused; a refusal does not repeat what stood in the cell."""
    for row in read(workbook(NOY | ANSWERED | odd)):
        said = " ".join(refusal.sentence() for refusal in row.refusals)
        said += " ".join(question.text for question in row.questions)
        long = [value for value in odd.values() if isinstance(value, str) and len(value.strip()) > 8]
        assert [value for value in long if value.strip() in said] == []

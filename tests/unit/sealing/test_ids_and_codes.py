"""Ids that are derived, and codes that people say."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidInput
from contracts.ids import CROCKFORD, alias, case_code, dispatch_id, new_id, parse_case_code

KEY = bytes(range(32))
A, B = UUID(int=1), UUID(int=2)
CODE = case_code(KEY, A, B)


def test_aliases_differ_by_key_kind_id_and_recipient() -> None:
    """Each argument changes the alias; the same arguments give the same UUIDv8 (RFC 9562)."""
    first = alias(KEY, "case", A, B)
    assert first == alias(KEY, "case", A, B)
    assert (first.version, first.variant) == (8, "specified in RFC 4122")
    others = {
        alias(bytes(32), "case", A, B),
        alias(KEY, "subject", A, B),
        alias(KEY, "case", B, B),
        alias(KEY, "case", A, A),
    }
    assert len(others | {first}) == 5


def test_a_dispatch_id_follows_from_event_subject_recipient_and_generation() -> None:
    """Equal inputs give one id, so deciding again tells nobody twice; each input changes it."""
    first = dispatch_id(A, B, "embassy-vn")
    assert first == dispatch_id(A, B, "embassy-vn", 0)
    assert first.version == 8
    others = {
        dispatch_id(B, A, "embassy-vn"),
        dispatch_id(A, B, "embassy-la"),
        dispatch_id(A, B, "embassy-vn", 1),
        dispatch_id(A, A, "embassy-vn"),
    }
    assert len(others | {first}) == 5


def test_new_ids_are_version_7_and_sort_by_time() -> None:
    """The first 48 bits are the milliseconds of the given moment."""
    moment = datetime(2026, 4, 1, 9, 30, 0, 250_000, tzinfo=UTC)
    made = random.Random(1).randbytes
    first, second = new_id(made, moment), new_id(made, moment + timedelta(milliseconds=1))
    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert first.int >> 80 == int(moment.timestamp() * 1000)
    assert first < second


def test_codes_differ_by_agency_and_attempt() -> None:
    """Two agencies cannot join on a code, and a taken code has a successor."""
    codes = {case_code(KEY, A, B), case_code(KEY, A, A), case_code(KEY, A, B, 1), case_code(bytes(32), A, B)}
    assert len(codes) == 4
    for code in codes:
        assert code[:3] == "SP-"
        assert set(code[3:]) <= set(CROCKFORD) | {"-"}


@given(st.uuids(), st.sampled_from(["{}", " {} ", "sp {}", "{}", "Sp-{}"]))
def test_a_code_is_read_as_people_write_it(case: UUID, form: str) -> None:
    """Lower case, spaces for hyphens, a long dash, O for 0 and I or L for 1: the same code."""
    code = case_code(KEY, case, B)
    spoken = form.format(code[3:].lower().replace("-", " ").replace("0", "o").replace("1", "l"))
    assert parse_case_code(spoken) == code
    assert parse_case_code(code.replace("-", "\u2013").replace("1", "I")) == code


@given(st.uuids(), st.integers(0, 9), st.sampled_from(CROCKFORD))
def test_any_one_wrong_character_is_noticed(case: UUID, place: int, wrong: str) -> None:
    """All single substitutions fail the check character."""
    letters = list(case_code(KEY, case, B)[3:].replace("-", ""))
    if letters[place] == wrong:
        return
    letters[place] = wrong
    with pytest.raises(InvalidInput) as error:
        parse_case_code("".join(letters))
    assert "mistyped" in error.value.message


def test_any_two_swapped_characters_are_noticed() -> None:
    """Every pair of places, near or far."""
    letters = CODE[3:].replace("-", "")
    for i, j in itertools.combinations(range(10), 2):
        swapped = list(letters)
        swapped[i], swapped[j] = swapped[j], swapped[i]
        if swapped[i] != swapped[j]:
            with pytest.raises(InvalidInput):
                parse_case_code("".join(swapped))


@pytest.mark.parametrize(
    ("text", "says"),
    [("SP-K7RU4-TQX2F", "character 4 "), ("SP-K7R", "has 3"), ("", "has 0"), ("K7RM4TQXK7RM", "has 12"),
     ("SP-K7RM4-TQX2!", "character 10 ")],
)  # fmt: skip
def test_the_error_says_where(text: str, says: str) -> None:
    """A character that no code has is named by its place, a wrong length by its number."""
    with pytest.raises(InvalidInput) as error:
        parse_case_code(text, "case")
    assert says in error.value.message
    assert error.value.field == "case"
    assert error.value.remedy

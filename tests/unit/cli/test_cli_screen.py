"""What reaches the terminal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.roles import Group, Purpose
from services.cli.labels import GROUPS, PURPOSES, event_label
from services.cli.screen import clean, to_json

CONTROLS = {chr(n) for n in (*range(32), *range(0x7F, 0xA0))} | set("\u202a\u202e\u2066\u2069\u200f")


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(sorted(CONTROLS)))))
def test_cleaned_text_holds_no_control_character(value: str) -> None:
    """No control and no direction mark survives, whatever stood there."""
    assert not CONTROLS & set(clean(value))


@given(st.text(alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(sorted(CONTROLS)))))
def test_json_escapes_what_could_drive_a_terminal_and_loses_nothing(value: str) -> None:
    """One line without controls, and reading it back yields the value."""
    written = to_json({"name": value})
    assert not CONTROLS & set(written)
    assert json.loads(written) == {"name": value}


@pytest.mark.parametrize("name", ["ສົມສີ", "សុខ\u200bជា", "မြ\u200cင့်", "Nguyễn Thị Hoa", "陈小明"])
def test_names_of_the_region_stay_as_they_are(name: str) -> None:
    """Joiners and zero-width spaces belong to the scripts."""
    assert clean(name) == name


def test_every_group_and_purpose_has_plain_words() -> None:
    """A new code without words fails here."""
    assert set(GROUPS) == set(Group)
    assert set(PURPOSES) == set(Purpose)


def test_an_event_name_becomes_words() -> None:
    """Camel case is for programs."""
    assert event_label("ReferralSent") == "Referral sent"

"""A directory that could tell the wrong agency does not load; the refusal names file, line and mend."""

import pytest

from contracts.errors import InvalidInput
from routing.directory import Directory

GOOD = """\
country: TH
timezone: Asia/Bangkok
hours: {days: [mon, fri], from: "08:30", to: "16:30"}
agencies:
  one:
    id: 4f7f3bd0-7b0e-4a53-8f3a-0f2f3d3b8c11
    name: One
    alternate: two
    roles: [{at: CPA@TH, from: 2020-01-01, until: 2026-01-01}]
  two:
    id: 4f7f3bd0-7b0e-4a53-8f3a-0f2f3d3b8c12
    name: Two
    roles: [{at: CPA@TH, from: 2026-01-01}]
"""


def refused(old: str, new: str) -> InvalidInput:
    """The refusal of GOOD with one text replaced."""
    assert old in GOOD
    with pytest.raises(InvalidInput) as caught:
        Directory.load({"th.yaml": GOOD.replace(old, new, 1)})
    return caught.value


def test_the_good_one_loads() -> None:
    """The other tests break one thing each in something that holds."""
    assert len(Directory.load({"th.yaml": GOOD}).agencies) == 2


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("until: 2026-01-01", "until: 2026-01-02", "directory-overlap", 13),
        (", until: 2026-01-01", "", "directory-overlap", 13),
        ("from: 2026-01-01", "from: 2026-01-02", "directory-gap", 13),
        ("CPA@TH", "CPX@TH", "directory-unknown-role", 9),
        ("CPA@TH", "any@TH", "directory-role", 9),
        ("CPA@TH", "owner", "directory-role", 9),
        ("CPA@TH", "CON.LA@TH", "directory-mission", 9),
        ("CPA@TH", "CON@TH", "directory-mission", 9),
        ("from: 2020-01-01", "from: soon", "directory-dates", 9),
        ("until: 2026-01-01", "until: 2019-01-01", "directory-dates", 9),
        ("alternate: two", "alternate: three", "directory-alternate", 8),
        ("name: Two", "name: Two\n    alternate: one", "directory-cycle", 8),
        ("{at: CPA@TH, from: 2026-01-01}", "{at: LEA@TH, from: 2026-01-01}", "directory-alternate", 8),
        ("8c12", "8c11", "directory-double", 11),
        ("id: 4f7f3bd0", "id: xf7f3bd0", "directory-value", 6),
        ("name: One", "nmae: One", "directory-key", 7),
        ("Asia/Bangkok", "Asia/Bangok", "directory-zone", 2),
        ("Asia/Bangkok", "../etc/passwd", "directory-zone", 2),
        ("country: TH", "country: Thailand", "directory-country", 1),
        ("country: TH", "country: [TH]", "directory-country", 1),
        ('to: "16:30"', 'to: "07:30"', "bad-hours", 3),
        ("days: [mon, fri]", "days: [mon, funday]", "bad-hours", 3),
        ("name: One", "name: One\n    channels: [webhook]", "directory-channel", 8),
        ("name: One", "name: One\n    channels: [inbox, pigeon]", "directory-channel", 8),
        ("  two:", "  one:", "duplicate-key", 10),
        ("  two:", "  Two:", "directory-slug", 10),
        ("agencies:", "agencies: {", "bad-yaml", 6),
    ],
)
def test_what_is_ambiguous_or_unknown_is_refused(old: str, new: str, code: str, line: int) -> None:
    """Two holders on one day, a circle, a stranger as alternate, a word nobody knows."""
    error = refused(old, new)
    assert error.code == code
    where, _, found = (error.field or "").partition(":")
    assert where == "th.yaml"
    assert int(found) == line
    assert error.remedy


def test_a_file_that_is_no_directory_is_refused() -> None:
    """A list, or nothing, is not a country."""
    with pytest.raises(InvalidInput):
        Directory.load({"x.yaml": "- a\n"})


def test_a_role_that_nobody_holds_is_a_warning() -> None:
    """A gap is said, not refused: a country may have no such body."""
    warnings = Directory.load({"th.yaml": GOOD}).warnings
    assert "nobody holds MED@TH" in warnings
    assert "nobody holds CPA@TH" not in warnings

"""``rules check``: each kind of finding, on a rule set made for it."""

from __future__ import annotations

from datetime import date

import pytest

from routing.analysis.audit import STEPS, audit
from routing.analysis.finding import Finding
from routing.law import Law
from tests.support.pure_law import sample_law
from tests.support.region import region_directory
from tests.support.rule_texts import rule_file

DAY = date(2026, 11, 24)
ROUTE = {"route": {"to": "SHA@{found_in}"}}
DENY = {"deny": {"to": "any@{found_in}"}}


def found(rows: list, **more: object) -> dict[str, Finding]:  # type: ignore[type-arg]
    """Findings by code."""
    return {one.code: one for one in audit(Law.load(rule_file(rows, **more), region_directory()), DAY)}


def test_the_committed_rules_have_no_errors() -> None:
    """Nothing in the rules that come with Sampan is an error, and every step is named as it begins."""
    steps: list[str] = []
    assert [one for one in audit(sample_law(), DAY, steps.append) if one.severity == "error"] == []
    assert tuple(steps) == STEPS


def test_a_condition_that_excludes_itself_is_an_error_at_its_line() -> None:
    """A rule for children with an effect for adults never speaks."""
    one = found([("R90", {"age": "child"}, [{**ROUTE, "when": {"age": "adult"}}])])["impossible"]
    assert (one.severity, one.where) == ("error", "test.yaml:3")


def test_a_route_denied_everywhere_is_an_error_and_one_denied_somewhere_a_note() -> None:
    """Two denials that share out all ages between them silence the route; one alone does not."""
    rows = [("R90", {}, [ROUTE]), ("R91", {"age": ["child", "in_doubt"]}, [DENY])]
    assert "always-denied" not in found(rows)
    assert found(rows)["denied-there"].severity == "note"
    one = found([*rows, ("R92", {"age": ["adult", "unset"]}, [DENY])])["always-denied"]
    assert one.severity == "error"
    assert "R91 and R92" in one.sentence


def test_a_denial_that_can_be_lifted_silences_nothing() -> None:
    """What is denied unless somebody agreed is told once she has."""
    lifted = {"deny": {"to": "any@{found_in}", "unless": [{"asks": "guardian", "when": {"guardian": True}}]}}
    assert "always-denied" not in found([("R90", {}, [ROUTE]), ("R91", {}, [lifted])])


def test_a_denial_for_another_purpose_silences_nothing() -> None:
    """A denial of a purpose covers routes that state that purpose alone."""
    deny = {"deny": {"to": "any@{found_in}", "purposes": ["LEGAL"]}}
    rows = [("R90", {}, [{"route": {"to": "SHA@{found_in}", "purpose": "SHELTER"}}]), ("R91", {}, [deny])]
    assert "always-denied" not in found(rows)
    rows[0][2][0]["route"]["purpose"] = "LEGAL"
    assert "always-denied" in found(rows)


def test_told_and_denied_by_one_rule_is_a_contradiction() -> None:
    """One rule that routes and denies on the same facts is an error."""
    assert found([("R90", {}, [ROUTE, DENY])])["contradiction"].severity == "error"
    apart = [{**ROUTE, "when": {"age": "child"}}, {**DENY, "when": {"age": "adult"}}]
    assert "contradiction" not in found([("R90", {}, apart)])


def test_a_brake_that_another_always_sets_is_a_note() -> None:
    """A denial within a wider one adds nothing; the wider one does."""
    rows = [("R90", {"age": "child"}, [{"deny": {"to": "LEA@{found_in}"}}]), ("R91", {}, [{"deny": {"to": "LEA@*"}}])]
    assert found(rows)["said-twice"].where == "test.yaml:3"


@pytest.mark.parametrize(
    ("dates", "code", "severity"),
    [
        ({"review_on": "2026-11-24"}, "review-due", "error"),
        ({"review_on": "null"}, "no-review-date", "error"),
        ({"valid_to": "2026-11-24"}, "ended", "warning"),
        ({"valid_to": "2019-01-01"}, "never-in-force", "error"),
        ({"valid_from": "2026-11-25"}, "not-yet", "note"),
    ],
)
def test_what_time_does_to_a_rule_is_said(dates: dict[str, str], code: str, severity: str) -> None:
    """Each date that stops a rule, or its citation, from counting is a finding on the day and not the day before."""
    assert found([("R90", {}, [ROUTE])], dates=dates)[code].severity == severity
    assert not {"review-due", "no-review-date", "ended", "not-yet"} & set(found([("R90", {}, [ROUTE])]))


def test_a_role_that_nobody_holds_is_named_where_the_rule_can_speak() -> None:
    """The screening mechanism is Thailand's alone: a rule for Laos warns, one for Thailand does not."""
    route = {"route": {"to": "NSM@{found_in}", "purpose": "ASYLUM"}}
    assert "NSM@LA" in found([("R90", {"found_in": "LA"}, [route])])["unheld"].sentence
    assert "unheld" not in found([("R90", {"found_in": "TH"}, [route])])


def test_a_deadline_whose_owner_is_unknown_is_named() -> None:
    """A clock that runs against nobody is a warning."""
    deadline = {"deadline": {"owner": "NSM@{found_in}", "awaits": ["VictimIdentified"], "within": "15d"}}
    assert "NSM@LA" in found([("R90", {"found_in": "LA"}, [deadline])])["unknown-owner"].sentence


def test_an_effect_on_what_sampan_disposes_of_itself_is_out_of_reach() -> None:
    """No rule is asked about a due timer, so an effect on it is an error."""
    row = ("R90", {}, [{"escalate": {"tell": ["owner"]}, "on": ["DeadlineDue"]}])
    assert found([row])["out-of-reach"].severity == "error"


def test_an_event_that_a_rule_leaves_nobody_to_hear_is_a_note_until_a_route_is_there() -> None:
    """Denying everybody leaves every event that must reach a role without one; a route untouched by it mends that."""
    deny = ("R90", {"age": "adult"}, [{"deny": {"to": "*"}, "when": {"asylum": "claimed"}}])
    gap = found([deny])["reaches-nobody"]
    assert "age: adult, asylum: claimed" in gap.sentence
    assert "R90" in gap.sentence
    assert "reaches-nobody" not in found([("R90", {}, [{"deny": {"to": "LEA@*"}}])])

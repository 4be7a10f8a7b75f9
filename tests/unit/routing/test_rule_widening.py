"""Which changes of the rules one person may put in force, and which need a second."""

from __future__ import annotations

from typing import Any

import pytest

from routing.analysis.widening import widenings
from routing.law import Law
from tests.support.region import region_directory
from tests.support.routing_play import HELP, Play
from tests.support.rule_texts import rule_file

Row = tuple[str, dict[str, Any], list[dict[str, Any]]]
THAI, CHILD = {"found_in": "TH"}, {"found_in": "TH", "age": "child"}
ROUTE = {"route": {"to": "MED@TH", "basis": "statute"}}
GRANT = {"grant": {"groups": ["F7", "F8"], "to": "MED@TH"}}
DENY = {"deny": {"to": "any@LA"}}
WITHHOLD = {"withhold": {"groups": ["F7"], "to": "MED@TH"}}
BEFORE: list[Row] = [("R10", THAI, [ROUTE]), ("R11", THAI, [GRANT]), ("R12", THAI, [DENY]), ("R13", THAI, [WITHHOLD])]


def law(rows: list[Row], **more: Any) -> Law:
    """Rules over the sample region."""
    return Law.load(rule_file(rows, **more), region_directory())


def changed(rule: str, when: dict[str, Any], *then: dict[str, Any]) -> list[Row]:
    """The rules before, one of them replaced, or a new one."""
    return [row for row in BEFORE if row[0] != rule] + ([(rule, when, list(then))] if then else [])


NARROWER = {
    "nothing": BEFORE,
    "a denial of a side": changed("R20", {}, {"deny": {"to": ["any@TH", "state@{origin}"]}}),
    "a hold of everybody": changed("R20", CHILD, {"hold": {"to": "*", "except": ["any@TH"]}}),
    "groups withheld": changed("R20", {}, {"withhold": {"groups": ["F1"], "to": "SHA@TH"}}),
    "a denial in more cases": changed("R12", {}, DENY),
    "more withheld": changed("R13", {}, {"withhold": {"groups": ["F7", "F8"], "to": ["MED@TH", "SHA@TH"]}}),
    "a grant in fewer cases": changed("R11", CHILD, GRANT),
    "a smaller grant": changed("R11", THAI, {"grant": {"groups": ["F7"], "to": "MED@TH"}}),
    "no grant": changed("R11", {}),
    "a recall": changed("R20", {}, {"recall": {"to": "LEG@TH"}}),
}
WIDER = {
    "a route": changed("R20", {}, {"route": {"to": "SHA@TH"}}),
    "a grant": changed("R20", {}, GRANT),
    "a basis": changed("R20", {}, {"basis": {"to": "MED@TH", "basis": "statute"}}),
    "no route: another offer may carry more": changed("R10", {}),
    "a route in more cases": changed("R10", {}, ROUTE),
    "a route to others": changed("R10", THAI, {"route": {"to": "SHA@TH", "basis": "statute"}}),
    "no denial": changed("R12", {}),
    "a denial in fewer cases": changed("R12", CHILD, DENY),
    "a denial that may be lifted": changed("R12", THAI, {"deny": {"to": "any@LA", "unless": [
        {"asks": "risk", "when": {"age": "adult"}}]}}),
    "a denial of one purpose: another may carry more": changed("R20", {}, {
        "deny": {"to": "any@TH", "purposes": ["MEDICAL"]}}),
    "a hold that asks the owner: of two holds the first says who answers": changed("R09", {}, {
        "hold": {"to": "any@TH", "review": "owner"}}),
    "a denial of a role whose holder has units apart": changed("R20", {}, {"deny": {"to": "CPA@TH"}}),
    "a denial of missions by their role, which names addresses": changed("R20", {}, {"deny": {"to": "CON.*@*"}}),
    "a hold of all but a role": changed("R20", {}, {"hold": {"to": "*", "except": ["MED@TH"]}}),
    "a route whose longest alternative names a fact more, on the same facts": changed("R10", {"any_of": [
        THAI, {"found_in": "TH", "age": ["child", "adult"]}]}, ROUTE),
    "a hold that asks a new desk": changed("R20", {}, {"hold": {"to": "any@TH", "review": "CPA@TH"}}),
    "a request denied": changed("R20", {}, {"deny": {"event": True}}),
    "less withheld": changed("R13", THAI, {"withhold": {"groups": ["F7"], "to": "MED@TH", "except": "MED@TH"}}),
    "fewer groups withheld": changed("R13", THAI, {"withhold": {"groups": ["F8"], "to": "MED@TH"}}),
    "a denial of a role whose holder has another": changed("R20", {}, {"deny": {"to": "RFP@*"}}),
    "a denial of whoever is abroad, which depends on what is carried": changed("R20", {}, {"deny": {"to": "abroad"}}),
    "a larger grant": changed("R11", THAI, {"grant": {"groups": ["F7", "F8", "F9"], "to": "MED@TH"}}),
    "somebody to be told when a term is missed": changed("R20", {}, {"escalate": {"tell": "LEG@TH"}}),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NARROWER))
def test_what_only_takes_away_needs_one_person(name: str) -> None:
    """Whatever the facts are, under the new rules nobody is told who was not, and nothing more is open."""
    assert widenings(law(BEFORE), law(NARROWER[name])) == ()


@pytest.mark.parametrize("name", sorted(WIDER))
def test_what_may_open_something_needs_a_second(name: str) -> None:
    """It is named with file and line, and what is not provably narrowing counts as widening."""
    found = widenings(law(BEFORE), law(WIDER[name]))
    assert found
    assert all(one.code == "widens" and one.where.startswith("test.yaml:") for one in found)


def test_a_rule_that_ends_later_or_earlier() -> None:
    """A denial may run longer and a grant end sooner at once; the other way round needs a second person."""
    deny, grant = [BEFORE[2]], [BEFORE[1]]
    for rows, to_the_longer in ((deny, True), (grant, False)):
        short, long = law(rows, valid_to="2027-01-01"), law(rows)
        assert (widenings(short, long) == ()) is to_the_longer
        assert (widenings(long, short) == ()) is not to_the_longer


def test_counsels_signature_widens_and_to_lose_it_takes_away() -> None:
    """On a live instance a signature lets a rule tell; without it the same rule takes its telling back."""
    signed, unsigned = law([BEFORE[1]], mark="S").live(), law([BEFORE[1]], mark="S/A").live()
    assert widenings(unsigned, signed)
    assert widenings(signed, unsigned) == ()


def test_a_hold_whose_second_person_comes_or_goes_widens() -> None:
    """Who must agree to a release is changed by nobody alone, in either direction."""
    alone, two = ([("R20", THAI, [{"hold": {"to": "any@TH", "review": "owner", "second": second}}])]
                  for second in (False, True))  # fmt: skip
    assert widenings(law(alone), law(two))
    assert widenings(law(two), law(alone))
    assert widenings(law(two), law(two)) == ()


def test_a_review_hold_in_more_cases_or_for_longer_widens() -> None:
    """It would come before another hold's desk where it did not."""
    hold = {"hold": {"to": "any@TH", "review": "owner"}}
    assert widenings(law([("R20", CHILD, [hold])]), law([("R20", THAI, [hold])]))
    assert widenings(law([("R20", THAI, [hold])], valid_to="2027-01-01"), law([("R20", THAI, [hold])]))


def test_a_hold_that_asks_what_another_asks_of_a_desk_widens() -> None:
    """LEG@TH, told of nothing before, would be asked about her by the other hold, which is not about this recipient."""
    desk: list[Row] = [*BEFORE, ("R15", THAI, [{"hold": {"to": "any@LA", "asks": ["legal"], "review": "LEG@TH"}}])]
    for asks, widens in (("legal", True), ("papers", False)):
        held: list[Row] = [*desk, ("R20", THAI, [{"hold": {"to": "any@TH", "asks": [asks]}}])]
        assert bool(widenings(law(desk), law(held))) is widens
    reviews = []
    for rows in (desk, [*desk, ("R20", THAI, [{"hold": {"to": "any@TH", "asks": ["legal"]}}])]):
        play = Play(law=law(rows))
        play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
        decision = play.emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"})
        reviews.append([one.desk_address for one in decision.reviews if one.asks == ("legal",)])
    assert reviews == [[], ["LEG@TH"]]

"""A rule that rests on an assumption tells nobody on a live instance before counsel signed what it says."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from contracts.errors import InvalidInput
from routing.law import Law
from routing.rule import Rule
from routing.signing import SIGNATURES_FILE, fingerprint
from tests.support.region import region_directory
from tests.support.routing_play import START, Play
from tests.support.rule_texts import rule_file

TELLS: list[dict[str, Any]] = [
    {"route": {"to": "MED@TH", "purpose": "MEDICAL", "basis": "statute"}, "on": ["NeedsAssessed"]}
]
DENIES: list[dict[str, Any]] = [{"deny": {"to": "MED@TH"}}]
WAITING = {"mark": "S/A"}


def law_of(*rows: tuple[str, dict[str, Any], list[dict[str, Any]]], signed: str = "", **more: Any) -> Law:
    """Rules of a test, with a file of signatures if there is one."""
    texts = rule_file(rows, **more)
    return Law.load(texts | ({SIGNATURES_FILE: signed} if signed else {}), region_directory())


def signature(rule: Rule, **other: Any) -> str:
    """A file with one signature under what a rule says."""
    row = {"rule": rule.id, "valid_from": rule.valid_from, "counsel": "A. Invented", "on": "2026-01-05",
           "hash": f'"{fingerprint(rule)}"'} | other  # fmt: skip
    return "signatures:\n- {" + ", ".join(f"{key}: {value}" for key, value in row.items()) + "}\n"


def told(law: Law) -> dict[str, str]:
    """Who is told when an NGO writes down needs, and at which address."""
    decision = Play("NGO-H@TH", law).emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}, seal=("F7",))
    return {one.address: one.basis for one in decision.dispatches}


def test_an_unsigned_assumption_tells_where_nobody_is_real_and_not_where_people_are() -> None:
    """The same rule serves the sample region, and waits on a live instance."""
    law = law_of(("R90", {}, TELLS), **WAITING)
    assert told(law) == {"MED@TH": "statute"}
    assert told(law.live()) == {}


def test_a_signed_assumption_tells_on_a_live_instance() -> None:
    """What counsel signed serves as it is written, and nothing waits."""
    (rule,) = law_of(("R90", {}, TELLS), **WAITING).rules
    law = law_of(("R90", {}, TELLS), signed=signature(rule), **WAITING)
    assert told(law.live()) == {"MED@TH": "statute"}
    assert law.live() is law
    assert not law.waits_for_counsel(START)
    assert law.rules[0].signed is not None
    assert (law.rules[0].signed.by, law.rules[0].signed.on) == ("A. Invented", date(2026, 1, 5))


def test_whoever_an_unsigned_route_means_waits_whatever_else_would_tell_them() -> None:
    """Without the route another reason would win, which may carry more: a person is asked first, and may let it go."""
    other = [{"route": {"to": "MED@TH", "purpose": "SHELTER", "basis": "statute", "over": True},
              "on": ["NeedsAssessed"]}]  # fmt: skip
    (_, signed) = law_of(("R90", {}, TELLS), ("R91", {}, other), **WAITING).rules
    live = law_of(("R90", {}, TELLS), ("R91", {}, other), signed=signature(signed), **WAITING).live()
    play = Play("NGO-H@TH", live)
    decision = play.emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}, seal=("F2",))
    assert (decision.dispatches, [one.asks for one in decision.held]) == ((), [("review",)])
    review = next(one for one in decision.reviews if one.asks)
    released = play.review("release", "NGO-H@TH", review.review_id)
    assert [(one.address, one.purpose) for one in released.dispatches] == [("MED@TH", "SHELTER")]


def test_what_waits_for_her_consent_outlives_the_refused_question_of_an_unsigned_route() -> None:
    """Closing a question refuses what it was about, and not the help that she may yet agree to."""
    play = Play("NGO-H@TH", law_of(("R90", {}, TELLS), **WAITING).live())
    decision = play.emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}, seal=("F1",), to=("LEG@TH",))
    assert [one.asks for one in decision.held] == [("consent",)]
    play.review("refuse", "NGO-H@TH", decision.reviews[0].review_id)
    given = {"purposes": ["LEGAL"], "to": ["LEG@TH"], "until": "90d", "groups": ["F1"]}
    assert [one.address for one in play.emit("ConsentGiven", "NGO-H@TH", consent=given).dispatches] == ["LEG@TH"]


def test_nothing_is_erased_for_an_assumption_that_nobody_signed() -> None:
    """No later signature could bring it back."""
    row = ("R90", {}, [{"erase": {"groups": ["F7"]}, "on": ["NeedsAssessed"]}])
    for law, gone in ((law_of(row, **WAITING), ("F7",)), (law_of(row, **WAITING).live(), ())):
        decision = Play("NGO-H@TH", law).emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}, seal=("F7",))
        assert decision.erase_groups == gone


def test_a_route_that_waits_asks_the_owner_of_the_case() -> None:
    """Nobody is forgotten because a signature is missing: the owner is asked whom to tell, once a case."""
    play = Play("NGO-H@TH", law_of(("R90", {}, TELLS), **WAITING).live())
    (asked,) = play.emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}).reviews
    assert (asked.desk, asked.options) == (play.owner, ("name_recipient", "close"))
    assert [ref.id for ref in asked.rules] == ["R90"]
    assert play.emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}).reviews == ()


@pytest.mark.parametrize(
    "brake",
    [{"deny": {"to": "MED@TH"}}, {"hold": {"to": "MED@TH"}}, {"withhold": {"groups": ["F7"], "to": "MED@TH"}}],
    ids=["deny", "hold", "withhold"],
)
def test_an_unsigned_rule_still_takes_away(brake: dict[str, Any]) -> None:
    """A missing signature lets nothing through that the rule stops."""
    rows = (("R90", {}, [brake]), ("R91", {}, TELLS))
    (_, route) = law_of(*rows, **WAITING).rules
    live = law_of(*rows, signed=signature(route), **WAITING).live()
    play = Play("NGO-H@TH", live)
    decision = play.emit("NeedsAssessed", "NGO-H@TH", {"found_in": "TH"}, seal=("F7",))
    assert [one for one in decision.dispatches if one.groups] == []
    assert live.waits_for_counsel(START) == live.rules[:1]


@pytest.mark.parametrize(
    "changed",
    [
        {"mark": "S/A/P"}, {"title": "Another title"}, {"cite": "Another source"}, {"valid_from": "2020-01-02"},
        {"when": {"found_in": "TH"}}, {"confirmed": False},
        {"then": [{"route": {"to": "LEG@TH", "purpose": "MEDICAL", "basis": "statute"}, "on": ["NeedsAssessed"]}]},
    ],
    ids=lambda changed: next(iter(changed)),
)  # fmt: skip
def test_a_rule_that_was_changed_after_it_was_signed_is_unsigned(changed: dict[str, Any]) -> None:
    """Every word that counsel read is under the signature."""
    (rule,) = law_of(("R90", {}, TELLS), **WAITING).rules
    (other,) = law_of(("R90", {}, TELLS), signed=signature(rule), **(WAITING | changed)).rules
    assert rule.signed is None
    assert other.signed is None


def test_what_decides_nothing_may_change_under_a_signature() -> None:
    """A remark, the day of the next review and the place in the file are not what counsel signed."""
    (rule,) = law_of(("R90", {}, TELLS), **WAITING).rules
    law = law_of(("R89", {}, DENIES), ("R90", {}, TELLS), signed=signature(rule), remark="Read again",
                 review_on="2031-01-01", **WAITING)  # fmt: skip
    assert law.rules[1].signed is not None
    assert law.rules[0].signed is None


@pytest.mark.parametrize(
    ("signed_until", "ends", "holds"),
    [("", "2027-01-01", True), ("2027-01-01", "2027-01-01", True), ("2027-01-01", "2026-06-01", True),
     ("2027-01-01", "2027-01-02", False), ("2027-01-01", "", False)],
)  # fmt: skip
def test_a_rule_may_end_earlier_than_was_signed_and_not_later(signed_until: str, ends: str, holds: bool) -> None:
    """To end a rule at once takes no counsel; to let it run on does."""
    more = WAITING | ({"valid_to": ends} if ends else {})
    (rule,) = law_of(("R90", {}, TELLS), **more).rules
    signed = signature(rule, **({"until": signed_until} if signed_until else {}))
    (found,) = law_of(("R90", {}, TELLS), signed=signed, **more).rules
    assert (found.signed is not None) is holds


def test_a_name_in_the_rule_itself_is_no_signature_under_its_wording() -> None:
    """``signed_by`` in a rule would stay when the rule is edited, so it lets nothing serve."""
    law = law_of(("R90", {}, TELLS), signed_by="A. Invented", signed_on="2026-01-05", **WAITING)
    assert law.waits_for_counsel(START) == law.rules
    assert told(law.live()) == {}


def test_a_live_law_that_holds_something_back_has_a_hash_of_its_own() -> None:
    """A receipt says by which of the two was decided."""
    law = law_of(("R90", {}, TELLS), **WAITING)
    assert law.live().rule_set_hash != law.rule_set_hash
    assert law_of(("R90", {}, TELLS), mark="S").live().rule_set_hash == law_of(
        ("R90", {}, TELLS), mark="S").rule_set_hash  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("signed: []\n", "signatures.yaml:1"),
        ("signatures:\n- {rule: R90}\n", "signatures.yaml:2"),
        ("signatures:\n- R90\n", "signatures.yaml:1"),
        ('signatures:\n- {rule: R90, valid_from: 2020, counsel: A, on: 2026-01-05, hash: "00"}\n', "signatures.yaml:2"),
        ('signatures:\n- {rule: R90, valid_from: 2020-01-01, counsel: "", on: 2026-01-05, hash: "00"}\n',
         "signatures.yaml:2"),
    ],
)  # fmt: skip
def test_a_file_of_signatures_that_cannot_be_read_is_refused(text: str, where: str) -> None:
    """With file, line and mend, and nothing serves by halves."""
    with pytest.raises(InvalidInput) as refused:
        law_of(("R90", {}, TELLS), signed=text, **WAITING)
    assert (refused.value.code, refused.value.field) == ("bad-signature", where)
    assert refused.value.remedy

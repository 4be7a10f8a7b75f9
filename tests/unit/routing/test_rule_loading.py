"""Rule files: what is refused, with place and mend; dates; the checks over a set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from contracts.errors import InvalidInput
from routing.check import check
from routing.law import Law, sample_rules
from tests.support.pure_law import sample_law
from tests.support.region import region_directory
from tests.support.routing_play import HELP, Play, told

HEAD = "defaults: {valid_from: 2020-01-01, recorded_at: 2020-01-01}\nrules:\n"
GOOD = (
    "- {id: R90, title: A rule, cite: A source, mark: A, when: {found_in: TH}, "
    "then: [{route: {to: 'SHA@{found_in}'}}]}\n"
)


def load(text: str) -> Law:
    """A law of this text alone."""
    return Law.load({"test.yaml": HEAD + text}, region_directory())


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("found_inn: TH", "found_in: TH", "found_in"),
        ("found_in: Thailand", "found_in: TH", "Thailand"),
        ("found_in: []", "found_in: TH", "tested for nothing"),
        ("found_in: {}", "found_in: TH", "tested for nothing"),
        ("found_in: TH, age: {none: []}", "found_in: TH", "age is tested for nothing"),
        ("found_in: TH, age: {any: []}", "found_in: TH", "age is tested for nothing"),
        ("found_in: TH, any_of: []", "found_in: TH", "any_of is tested for nothing"),
        ("cite: ''", "cite: A source", "cite"),
        ("mark: X", "mark: A", "mark"),
        ("rout:", "route:", "route"),
        ("mark: A, confirmed: perhaps", "mark: A", "confirmed"),
        ("SHX@{found_in}", "SHA@{found_in}", "SHX"),
        ("SHA@{ethnicity}", "SHA@{found_in}", "ethnicity"),
        ("{to: 'SHA@{found_in}', groups: [F1]}", "{to: 'SHA@{found_in}'}", "groups"),
        ("{to: 'SHA@{found_in}', purpose: SHELTERS}", "{to: 'SHA@{found_in}'}", "SHELTERS"),
        ("{to: 'SHA@{found_in}'}, on: [Identified]}", "{to: 'SHA@{found_in}'}}", "Identified"),
    ],
)
def test_a_slip_is_refused_with_its_place(wrong: str, right: str, says: str) -> None:
    """A word outside the closed lists names file, line and a mend; the right word loads."""
    assert right in GOOD
    load(GOOD)
    with pytest.raises(InvalidInput) as caught:
        load(GOOD.replace(right, wrong))
    assert caught.value.field is not None
    assert caught.value.field.startswith("test.yaml:")
    assert caught.value.remedy
    assert says in caught.value.sentence()


def test_two_equal_offers_for_different_reasons_are_refused_unless_one_is_over() -> None:
    """Which one wins must be said, not guessed."""
    other = GOOD.replace("R90", "R91").replace("'SHA@{found_in}'", "'SHA@{found_in}', basis: statute")
    with pytest.raises(InvalidInput, match="equally strongly"):
        load(GOOD + other)
    load(GOOD + other.replace("basis: statute", "basis: statute, over: true"))


def test_two_versions_on_one_day_are_refused_and_one_after_the_other_is_not() -> None:
    """Dated versions of one rule follow each other."""
    with pytest.raises(InvalidInput, match="two versions"):
        load(GOOD + GOOD)
    ended = GOOD.replace("mark: A", "mark: A, valid_to: 2026-01-01")
    load(ended + GOOD.replace("mark: A", "mark: A, valid_from: 2026-01-01"))


def test_a_rule_speaks_only_from_the_day_it_was_known() -> None:
    """Law date and knowledge date are both the record's append time."""
    late = GOOD.replace("mark: A", "mark: A, recorded_at: 2026-03-03")
    for hours, speaks in ((0, False), (24, True)):
        play = Play(law=load(late))
        play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
        play.hours = hours
        decision = play.emit("NeedsAssessed", "MED@TH", {"found_in": "TH"})
        assert ("SHA@TH" in told(decision)) is speaks


def test_the_committed_rules_have_nothing_doubtful() -> None:
    """No role without a holder, no rule past its review; one waits for a figure that nobody has verified yet."""
    (waiting,) = check(sample_law(), datetime(2026, 6, 1, tzinfo=UTC))
    assert waiting.endswith("R09 waits to be confirmed and decides nothing.")


def test_a_rule_past_its_review_day_is_named() -> None:
    """After the review day the check says which rule waits for a lawyer."""
    assert any("R21" in line for line in check(sample_law(), datetime(2027, 6, 1, tzinfo=UTC)))


def test_a_rule_that_waits_to_be_confirmed_sets_no_clock_and_confirmed_it_does() -> None:
    """R09's 45 days run only for a law in which somebody has confirmed the figure; day 44 is not yet the end."""
    texts = sample_rules()
    name = next(name for name, text in texts.items() if "id: R09" in text)
    texts[name] = texts[name].replace("confirmed: false", "confirmed: true")
    asked = []
    for law in (sample_law(), Law.load(texts, region_directory())):
        play = Play(law=law)
        play.emit("ConsentGiven", "NGO-H@TH", consent=HELP)
        decision = play.emit("ReflectionRequested", "NGO-H@TH", {"found_in": "TH"})
        asked.append([one.within for one in decision.deadlines if "R09" in {rule.id for rule in one.rules}])
        fired = [f for d in play.wait(24 * 44) for f in d.fired if "R09" in {rule.id for rule in f.rules}]
        assert fired == []
    assert asked == [[], ["45d"]]
    assert "R09" in {rule.id for d in play.wait(24 * 2) for f in d.fired for rule in f.rules}


def test_every_committed_rule_is_cited_and_marked() -> None:
    """No rule stands on nothing."""
    assert all(rule.cite and rule.mark and rule.title for rule in sample_law().rules)
    assert len({rule.id for rule in sample_law().rules}) >= 50

"""Reviews, lanes, erasure: what officers do, and what they cannot do by accident."""

from __future__ import annotations

from tests.support.command import Sampan
from tests.support.inbox_items import lane, review, timeline
from tests.support.stub_server import StubServer, an_id


def test_a_review_is_listed_shown_and_resolved(sampan: Sampan, server: StubServer) -> None:
    """Found by its first digits; the decision and its reason arrive."""
    server.reviews[str(an_id("review"))] = review()
    short = str(an_id("review"))[:8]
    assert short in sampan("review", "list", "--as", "ngo-th").output
    assert "Is it safe to tell the embassy?" in sampan("review", "show", short, "--as", "ngo-th").output
    result = sampan("review", "resolve", short, "--refuse", "--reason", "Not safe", "--as", "ngo-th")
    assert result.exit_code == 0, result.output
    assert server.resolved == [{"action": "refuse", "reason": "Not safe", "second": None}]


def test_a_release_that_needs_two_asks_for_the_second(sampan: Sampan, server: StubServer) -> None:
    """Without --second nothing is released."""
    server.reviews[str(an_id("review"))] = review(needs_second_person=True)
    short = str(an_id("review"))[:8]
    result = sampan("review", "resolve", short, "--release", "--reason", "Safe", "--as", "ngo-th")
    assert result.exit_code == 1
    assert "second person" in result.output
    assert server.resolved == []


def test_release_and_refuse_together_decide_nothing(sampan: Sampan, server: StubServer) -> None:
    """Both or neither is no decision."""
    server.reviews[str(an_id("review"))] = review()
    short = str(an_id("review"))[:8]
    for said in ([], ["--release", "--refuse"]):
        assert sampan("review", "resolve", short, "--reason", "x", *said, "--as", "ngo-th").exit_code == 1
    assert server.resolved == []


def test_a_parked_lane_is_shown_and_released(sampan: Sampan, server: StubServer) -> None:
    """By its first digits, and that lane alone."""
    server.lanes = [lane(), lane(lane="00000000-0000-8000-8000-000000000001", recipient="rfp-la")]
    short = str(an_id("lane"))[:8]
    assert "connection-refused" in sampan("lanes", "list", "--as", "ngo-th").output
    assert sampan("lanes", "release", short, "--as", "ngo-th").exit_code == 0
    assert server.released == [str(an_id("lane"))]


def test_dead_letters_are_told_of_beside_the_lanes(sampan: Sampan, server: StubServer) -> None:
    """By topic: a line under the lanes, a table of their own; none where none wait."""
    assert "ead letter" not in sampan("lanes", "list", "--as", "ngo-th").output
    assert "No dead letter waits." in sampan("lanes", "dead-letters", "--as", "ngo-th").output
    server.dead_letters = [{"topic": "case-events", "waiting": 3}]
    assert "Dead letters wait: case-events 3." in sampan("lanes", "list", "--as", "ngo-th").output
    assert sampan("lanes", "dead-letters", "--as", "ngo-th", "--json").stdout.strip() == (
        '[{"topic": "case-events", "waiting": 3}]'
    )


def test_erasing_shows_what_goes_and_asks_twice(sampan: Sampan, server: StubServer) -> None:
    """Yes and the word: erased, for the one person of the case."""
    server.timelines["SP-K7RM-0001"] = timeline()
    result = sampan("consent", "erase", "SP-K7RM-0001", "--as", "ngo-th", typed="y\nriver-lantern\n")
    assert result.exit_code == 0, result.output
    assert "7 field groups in 3 dispatches" in result.output
    assert server.erased == [str(an_id("subject"))]


def test_erasing_needs_both_answers(sampan: Sampan, server: StubServer) -> None:
    """No, a wrong word, or nothing typed at all: nothing is erased."""
    server.timelines["SP-K7RM-0001"] = timeline()
    for typed in ("n\n", "y\nriver\n", "y\n", ""):
        result = sampan("consent", "erase", "SP-K7RM-0001", "--as", "ngo-th", typed=typed)
        assert result.exit_code != 0
        assert "nothing was erased" in result.output
    assert server.erased == []

"""Answering: sealed like every event, by telephone too, and once."""

from __future__ import annotations

import json

import pytest

from tests.support.command import Sampan
from tests.support.inbox_items import item, timeline
from tests.support.stub_server import StubServer, an_id


@pytest.fixture(autouse=True)
def one_item(server: StubServer) -> None:
    server.inbox["shelter-th"] = [item(1)]


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (["acknowledge", "#1"], "ReferralAcknowledged"),
        (["accept", "#1"], "ReferralAccepted"),
        (["decline", "#1", "--reason", "No bed", "--code", "no_capacity"], "ReferralDeclined"),
        (["redirect", "#1", "--to", "SHA@LA"], "ReferralRedirected"),
        (["complete", "#1"], "ReferralCompleted"),
    ],
)
def test_each_answer_is_its_event_about_that_dispatch(
    sampan: Sampan, server: StubServer, command: list[str], event: str
) -> None:
    """The sealed event has the answer's name, the dispatch's alias and the person it is about."""
    result = sampan(*command, "--as", "shelter-th")
    assert result.exit_code == 0, result.output
    (control,) = server.controls()
    assert control.event == event
    assert control.answer is not None
    assert control.answer.dispatch == an_id("dispatch-1")
    assert [subject.subject_ref for subject in control.subjects] == [an_id("subject")]


def test_an_answer_typed_twice_is_one(sampan: Sampan, server: StubServer) -> None:
    """While the dispatch stands where it stood, the same answer is the same submission."""
    sampan("accept", "#1", "--as", "shelter-th")
    result = sampan("accept", "#1", "--as", "shelter-th")
    assert result.exit_code == 0
    assert "already sent" in result.output
    assert len(server.bodies) == 1


def test_what_is_accepted_already_is_not_accepted_again(sampan: Sampan, server: StubServer) -> None:
    """The inbox says accepted: nothing is sent, and that is said."""
    server.inbox["shelter-th"] = [item(1, status="accepted")]
    result = sampan("accept", "#1", "--as", "shelter-th")
    assert result.exit_code == 0
    assert "accepted already" in result.output
    assert server.bodies == []


def test_the_sender_enters_an_answer_that_came_by_telephone(sampan: Sampan, server: StubServer) -> None:
    """By case code and the dispatch's first digits; who said it, how, and for whom travel sealed."""
    server.timelines["SP-K7RM-0001"] = timeline()
    result = sampan(
        "accept", str(an_id("dispatch-1"))[:8], "--as", "ngo-th", "--case", "SP-K7RM-0001",
        "--reported-by", "phone", "--person", "Duty Officer Testperson", "--by", "SHA@TH",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    answer = server.controls()[0].answer
    assert answer is not None
    assert answer.reported is not None
    assert (answer.reported.how, answer.reported.by) == ("phone", "SHA@TH")
    assert answer.reported.person.reveal() == "Duty Officer Testperson"
    assert b"Duty Officer" not in server.bodies[0]


def test_a_reported_answer_needs_who_gave_it(sampan: Sampan, server: StubServer) -> None:
    """--reported-by without --person is refused before anything is asked of the server."""
    result = sampan("accept", "#1", "--as", "shelter-th", "--reported-by", "phone")
    assert result.exit_code == 1
    assert "who gave it" in result.output
    assert server.calls == []


def test_declining_needs_a_reason(sampan: Sampan, server: StubServer) -> None:
    """A mistyped command is exit code 2."""
    result = sampan("decline", "#1", "--as", "shelter-th")
    assert result.exit_code == 2
    assert "--reason" in result.output
    assert server.bodies == []


def test_a_bad_address_is_said_as_json_where_json_is_asked_for(sampan: Sampan, server: StubServer) -> None:
    """redirect --to with what is no address, under --json: one line of JSON with the problem and its field."""
    result = sampan("redirect", "#1", "--to", "bad", "--as", "shelter-th", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problem"]["field"] == "--to"
    assert server.calls == []


@pytest.mark.parametrize(
    ("command", "status"),
    [("acknowledge", "received"), ("accept", "accepted"), ("complete", "completed")],
)
def test_an_answer_that_says_no_more_is_not_sent(
    sampan: Sampan, server: StubServer, command: str, status: str
) -> None:
    """Each answer stops where the dispatch stands as that answer would leave it."""
    server.inbox["shelter-th"] = [item(1, status=status)]
    assert f"{status} already" in sampan(command, "#1", "--as", "shelter-th").output
    assert server.bodies == []


def test_a_declined_dispatch_may_still_be_redirected(sampan: Sampan, server: StubServer) -> None:
    """Where it should go instead is news even after a no, although both leave it rejected."""
    server.inbox["shelter-th"] = [item(1, status="rejected")]
    declined = sampan("decline", "#1", "--reason", "No bed", "--as", "shelter-th")
    assert "rejected already" in declined.output
    sampan("redirect", "#1", "--to", "SHA@LA", "--as", "shelter-th")
    assert [control.event for control in server.controls()] == ["ReferralRedirected"]


def test_with_the_line_down_a_whole_id_and_the_case_are_enough(sampan: Sampan, server: StubServer) -> None:
    """Nobody can be asked which dispatch is meant: by its whole id it is answered, and the answer waits."""
    sampan("agencies", "--as", "shelter-th")
    sampan("accept", "#1", "--as", "shelter-th")
    dispatch = str(an_id("dispatch-2"))
    case = ("--case", "SP-K7RM-0001", "--as", "shelter-th")
    server.__exit__(None, None, None)
    short = sampan("accept", dispatch[:8], *case)
    assert "no connection" in short.output
    assert sampan("accept", dispatch, *case).exit_code == 4
    with server:
        assert sampan("submit", "--flush", "--as", "shelter-th").exit_code == 0
    answers = [control.answer for control in server.controls()]
    assert [answer.dispatch for answer in answers if answer] == [an_id("dispatch-1"), an_id("dispatch-2")]

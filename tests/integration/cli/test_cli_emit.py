"""``sampan emit``: one event by hand, online and off, said as often as it is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.command import Sampan
from tests.support.stub_server import Fault, StubServer

WITHDRAWN = ("emit", "ConsentWithdrawn", "--case", "SP-K7RM-0001", "--as", "ngo-th")
REFERRED = ("emit", "ReferralSent", "--case", "SP-K7RM-0001", "--fact", "found_in=TH", "--as", "ngo-th")
FLUSH = ("submit", "--flush", "--as", "ngo-th")


@pytest.fixture(autouse=True)
def a_growing_timeline(server: StubServer) -> None:
    """The case's history, which the stub makes longer with each submission, as a server does."""
    server.grow_timeline("SP-K7RM-0001")


def events(server: StubServer) -> list[str]:
    return [control.event for control in server.controls()]


def go_offline(sampan: Sampan, server: StubServer) -> None:
    """Reach the server for the last time, then lose it."""
    assert sampan("emit", "ReferralSent", "--as", "ngo-th").exit_code == 0
    server.submissions.clear()
    server.__exit__(None, None, None)


def test_an_event_by_hand(sampan: Sampan, server: StubServer) -> None:
    """emit seals one event with its facts; NO stays Norway."""
    result = sampan(*REFERRED, "--fact", "going_to=NO", "--fact", "pregnant=true")
    assert result.exit_code == 0, result.output
    facts = server.controls()[0].subjects[0].facts
    assert (facts.going_to, facts.pregnant) == ("NO", True)


def test_what_still_waits_is_one_event_however_often_it_is_typed(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """Offline, typed twice: one sealed event waits, and one arrives."""
    go_offline(sampan, server)
    assert [sampan(*WITHDRAWN).exit_code for _ in range(2)] == [4, 4]
    assert len(list((folder / "data/spool/ngo-th/waiting").glob("*.sealed"))) == 1
    with server:
        assert sampan(*FLUSH).exit_code == 0
    assert events(server) == ["ConsentWithdrawn"]


def test_a_second_withdrawal_offline_is_sent_although_the_first_was(
    sampan: Sampan, server: StubServer
) -> None:
    """Withdrawn offline and sent, consented again, withdrawn offline in the same words: both arrive."""
    go_offline(sampan, server)
    sampan(*WITHDRAWN)
    with server:
        sampan(*FLUSH)
        sampan("emit", "ConsentGiven", *WITHDRAWN[2:])
    again = sampan(*WITHDRAWN)
    assert again.exit_code == 4, again.output
    with server:
        assert sampan(*FLUSH).exit_code == 0
    assert events(server) == ["ConsentWithdrawn", "ConsentGiven", "ConsentWithdrawn"]


def test_a_withdrawal_after_a_consent_that_waits_comes_after_it(sampan: Sampan, server: StubServer) -> None:
    """All offline: withdrawn, consented again, withdrawn again. The last word said is the last to arrive."""
    go_offline(sampan, server)
    for command in (WITHDRAWN, ("emit", "ConsentGiven", *WITHDRAWN[2:]), WITHDRAWN):
        assert sampan(*command).exit_code == 4
    with server:
        assert sampan(*FLUSH).exit_code == 0
    assert events(server) == ["ConsentWithdrawn", "ConsentGiven", "ConsentWithdrawn"]


def test_typed_again_after_it_was_sent_it_is_a_new_event(sampan: Sampan, server: StubServer) -> None:
    """Whatever the server's history shows by then: sent is over, and the same words are a new event."""
    for _ in range(2):
        result = sampan(*WITHDRAWN)
        assert result.exit_code == 0, result.output
        assert "already sent" not in result.output
    assert events(server) == ["ConsentWithdrawn"] * 2


def test_a_receipt_lost_on_the_way_is_no_second_event(sampan: Sampan, server: StubServer) -> None:
    """The server took it and its answer was not understood: typed again, it is the same submission."""
    server.lose_receipts = 1
    assert sampan(*WITHDRAWN).exit_code == 4
    assert sampan(*WITHDRAWN).exit_code == 0
    assert events(server) == ["ConsentWithdrawn"]
    assert len(server.bodies) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_in_trouble_keeps_no_withdrawal_from_being_sealed_and_kept(
    sampan: Sampan, server: StubServer, folder: Path, status: int
) -> None:
    """Every read and every submission answers with trouble: the event waits here, as without a connection."""
    assert sampan("emit", "ReferralSent", "--as", "ngo-th").exit_code == 0
    server.faults = [Fault("/v1/", status, times=999)]
    result = sampan(*WITHDRAWN)
    assert result.exit_code == 4, result.output
    assert len(list((folder / "data/spool/ngo-th/waiting").glob("*.sealed"))) == 1
    server.faults = []
    assert sampan(*FLUSH).exit_code == 0
    assert events(server)[-1] == "ConsentWithdrawn"

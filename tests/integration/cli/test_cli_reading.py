"""Bare ``sampan``, ``inbox``, ``open``, ``case``, ``agencies``: what a person sees, and does not."""

from __future__ import annotations

import json
from pathlib import Path

from services.client.home import Home, write_profile
from tests.support.command import Sampan
from tests.support.inbox_items import item, opened, timeline
from tests.support.stub_server import StubServer, an_id

ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp"


def test_bare_shows_what_waits_by_deadline_in_local_time(sampan: Sampan, server: StubServer) -> None:
    """A deadline at 05:50 UTC stands there as 12:50 in Bangkok, and as three hours and twenty minutes off."""
    server.waiting = [
        {
            "kind": "answer",
            "deadline_at": "2026-11-24T05:50:00+00:00",
            "case_code": "SP-7QRM-01XB",
            "dispatch": str(an_id("dispatch-1")),
            "event": "ReferralSent",
            "text": "Acknowledge a referral",
            "priority": "URGENT",
        }
    ]
    result = sampan("--as", "shelter-th")
    assert result.exit_code == 0, result.output
    assert "Tue 24 Nov 2026 12:50 +07" in result.output
    assert "in 3 h 20 min" in result.output
    assert "Acknowledge a referral" in result.output


def test_bare_with_several_profiles_says_which_exist(sampan: Sampan) -> None:
    """Nobody is guessed at: the sentence lists who could be meant."""
    result = sampan()
    assert result.exit_code == 1
    assert "--as AGENCY" in result.output
    assert "embassy-la-th, ngo-th, shelter-th" in result.output


def test_the_inbox_shows_no_name_and_hides_what_is_closed(sampan: Sampan, server: StubServer) -> None:
    """Masked before opening; answered items appear with --all alone."""
    server.inbox["shelter-th"] = [item(1), item(2, "dispatch-2", status="completed")]
    result = sampan("inbox", "--as", "shelter-th")
    assert "▒▒▒" in result.output
    assert "#1" in result.output
    assert "#2" not in result.output
    assert "1 answered or closed" in result.output
    assert "#2" in sampan("inbox", "--as", "shelter-th", "--all").output


def test_opening_by_number_shows_plain_labels_and_asks_for_those_groups_only(
    sampan: Sampan, server: StubServer
) -> None:
    """'#1' is resolved to the dispatch, the asked group travels, and the values stand under plain words."""
    server.inbox["shelter-th"] = [item(1)]
    server.contents[str(an_id("dispatch-1"))] = opened()
    result = sampan("open", "#1", "--as", "shelter-th", "--group", "f1")
    assert result.exit_code == 0, result.output
    assert server.opened == [(str(an_id("dispatch-1")), ["F1"])]
    assert "given name" in result.output
    assert "Noy" in result.output
    assert "non punishment" in result.output


def test_an_ambiguous_short_id_opens_nothing(sampan: Sampan, server: StubServer) -> None:
    """Two dispatches that begin alike: neither is opened."""
    server.inbox["shelter-th"] = [
        item(1, dispatch="abcd0000-0000-8000-8000-000000000001"),
        item(2, dispatch="abcd0000-0000-8000-8000-000000000002"),
    ]
    result = sampan("open", "abcd", "--as", "shelter-th")
    assert result.exit_code == 1
    assert "2 dispatches begin like that" in result.output
    assert server.opened == []


def test_a_name_cannot_drive_the_terminal(sampan: Sampan, server: StubServer) -> None:
    """Escape sequences, markup and direction marks in a value are shown as text or not at all."""
    server.inbox["shelter-th"] = [item(1, from_agency=f"Evil{ESCAPE}[red]Agency[/red]")]
    server.contents[str(an_id("dispatch-1"))] = opened(F1={"given_name": f"No{ESCAPE}y [bold]x[/bold]"})
    for command in (("inbox",), ("open", "#1"), ("open", "#1", "--json"), ("inbox", "--json")):
        result = sampan(*command, "--as", "shelter-th")
        assert result.exit_code == 0, result.output
        assert not set("\x1b\x07\x9b\u202e") & set(result.stdout)
    assert "[bold]x[/bold]" in sampan("open", "#1", "--as", "shelter-th").output
    assert json.loads(sampan("open", "#1", "--as", "shelter-th", "--json").stdout)["groups"]["F1"][
        "given_name"
    ].startswith("No\x1b[2J")


def test_the_owner_sees_who_was_not_told_and_by_which_rule(sampan: Sampan, server: StubServer) -> None:
    """The owner's timeline has rules; a recipient's has no such column."""
    server.timelines["SP-K7RM-0001"] = timeline("owner")
    owner = sampan("case", "SP-K7RM-0001", "--as", "ngo-th").output
    assert "Not told" in owner
    assert "R21: She objects" in owner
    server.timelines["SP-K7RM-0001"] = timeline("recipient")
    assert "by rule" not in sampan("case", "SP-K7RM-0001", "--as", "shelter-th").output


def test_an_unknown_case_is_one_sentence(sampan: Sampan) -> None:
    """Exit code 1, a remedy, no traceback."""
    result = sampan("case", "SP-0000-0000", "--as", "ngo-th")
    assert result.exit_code == 1
    assert "you see only what was sent to you or by you" in result.output
    assert "Traceback" not in result.output


def test_a_case_code_cannot_wander_through_the_api(sampan: Sampan, server: StubServer) -> None:
    """A code with slashes is one path segment: nothing but the case endpoint is asked."""
    sampan("case", "../../reviews?x=1", "--as", "ngo-th")
    assert all(call.startswith("GET /v1/cases/") for call in server.calls)


def test_agencies_lists_who_can_speak_here(sampan: Sampan) -> None:
    """Every profile with its name and roles."""
    result = sampan("agencies")
    assert result.exit_code == 0
    assert "embassy-la-th" in result.output
    assert "CON.LA@TH" in result.output


def test_a_token_of_another_agency_is_noticed(sampan: Sampan, server: StubServer, folder: Path) -> None:
    """The embassy's token under the shelter's name: said, and nothing is shown."""
    data = folder / "data"
    home = Home(data, server.url, data / "tokens", data / "keys")
    write_profile(home, "shelter-th", "token-embassy-la-th", None)
    result = sampan("inbox", "--as", "shelter-th")
    assert result.exit_code == 1
    assert "that of another agency" in result.output


def test_a_wrong_token_says_what_to_do(sampan: Sampan, server: StubServer, folder: Path) -> None:
    """One sentence with a remedy; the token itself is not repeated."""
    data = folder / "data"
    write_profile(Home(data, server.url, data / "tokens", data / "keys"), "ngo-th", "stale-token-1234", None)
    result = sampan("inbox", "--as", "ngo-th")
    assert result.exit_code == 1
    assert "ask whoever runs the server for a new one" in result.output
    assert "stale-token" not in result.output


def test_a_server_that_is_not_there_is_exit_code_4(sampan: Sampan, server: StubServer) -> None:
    """No connection: said with the address and what to check."""
    server.__exit__(None, None, None)
    result = sampan("inbox", "--as", "ngo-th")
    assert result.exit_code == 4
    assert f"no connection to the server at {server.url}" in result.output

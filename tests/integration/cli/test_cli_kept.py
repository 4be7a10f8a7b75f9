"""What a refusal does to what waits for the same case, and how a person sees and settles it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import Sampan
from tests.support.stub_server import Fault, StubServer
from tests.support.submitted_documents import referral

CASE = "SP-K7RM-0001"
AS = ("--as", "ngo-th")
FLUSH = ("submit", "--flush", *AS)


def keep(sampan: Sampan, server: StubServer, *events: str, case: str = CASE) -> None:
    """Type events of one case while the server takes nothing, then let it."""
    server.faults = [Fault("/v1/submissions", 503, times=999)]
    for event in events:
        assert sampan("emit", event, "--case", case, *AS).exit_code == 4
    server.faults = []


def kept(sampan: Sampan) -> list[tuple[str, str]]:
    """The ids of what is kept, each with its state."""
    shown = json.loads(sampan("kept", "show", *AS, "--json").stdout)
    return [(each["submission_id"], each["state"]) for each in shown]


def events(server: StubServer) -> list[str]:
    return [control.event for control in server.controls()]


@pytest.mark.parametrize("status", [403, 409, 422])
def test_the_refusal_of_a_withdrawal_that_waited_is_never_swallowed(
    sampan: Sampan, server: StubServer, status: int
) -> None:
    """Another event of the case is typed: the refusal is said, the exit code is 1, and it stays to be seen."""
    keep(sampan, server, "ConsentWithdrawn")
    server.refuse_events = {"ConsentWithdrawn": status}
    result = sampan("emit", "ReferralSent", "--case", CASE, *AS)
    assert result.exit_code == 1
    assert "waited here for the same case: refused: this is not taken." in result.output
    assert "not sent, held here" in result.output
    assert events(server) == []
    bare = sampan(*AS)
    assert "1 held and 1 refused on this machine" in bare.output
    assert "sampan kept show --as ngo-th" in bare.output
    assert json.loads(sampan(*AS, "--json").stdout)["refused"] == 1


def test_a_withdrawal_is_sent_although_what_waited_is_refused_and_both_are_said(
    sampan: Sampan, server: StubServer
) -> None:
    """The withdrawal arrives; the refusal before it is told, and the exit code asks for a person."""
    keep(sampan, server, "CaseOpened")
    server.refuse_events = {"CaseOpened": 422}
    result = sampan("emit", "ConsentWithdrawn", "--case", CASE, *AS)
    assert events(server) == ["ConsentWithdrawn"]
    assert "refused: this is not taken." in result.output
    assert "ConsentWithdrawn: sent" in result.output
    assert result.exit_code == 1


def test_a_document_tells_what_was_refused_before_it(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """submit shows the earlier refusal beside its own row, in JSON too, counts it, and fails."""
    keep(sampan, server, "ConsentWithdrawn")
    server.refuse_events = {"ConsentWithdrawn": 403}
    (folder / "case.json").write_text(json.dumps(referral(case=CASE)))
    result = sampan("submit", "case.json", *AS, "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    (file,) = said["files"]
    assert [row["state"] for row in file["earlier"]] == ["refused"]
    assert [row["state"] for row in file["rows"]] == ["held"]
    assert (said["held"], said["refused"], said["waiting"]) == (1, 1, 0)


def test_flush_holds_what_follows_a_refused_event_and_says_so(sampan: Sampan, server: StubServer) -> None:
    """Two of a case waited and the first is refused: the second is held; sent again, it goes."""
    keep(sampan, server, "CaseOpened", "ReferralSent")
    server.refuse_events = {"CaseOpened": 422}
    flushed = sampan(*FLUSH)
    assert flushed.exit_code == 1
    assert "1 held, 1 refused." in flushed.output
    assert "1 held and 1 refused on this machine" in flushed.output
    assert events(server) == []
    assert sampan("emit", "ReferralSent", "--case", CASE, *AS).exit_code == 0
    assert events(server) == ["ReferralSent"]


def test_a_failing_event_holds_up_no_other_case(sampan: Sampan, server: StubServer) -> None:
    """A submission at which the server fails waits at every flush; what belongs to others goes."""
    keep(sampan, server, "CaseOpened", "ReferralSent")
    keep(sampan, server, "CaseClosed", case="SP-K7RM-0002")
    server.refuse_events = {"CaseOpened": 500}
    for _ in range(2):
        flushed = sampan(*FLUSH)
        assert flushed.exit_code == 4
        assert "waits behind an event of the same case" in flushed.output
    assert events(server) == ["CaseClosed"]


def test_a_held_one_is_released_by_its_id(sampan: Sampan, server: StubServer) -> None:
    """kept release lets it go at the next flush; what was refused is not released but sent again."""
    keep(sampan, server, "CaseOpened", "ReferralSent")
    server.refuse_events = {"CaseOpened": 422}
    sampan(*FLUSH)
    (held, _), (refused, _) = kept(sampan)
    assert sampan("kept", "release", refused[:8], *AS).exit_code == 1
    assert sampan("kept", "release", held[:8], *AS).exit_code == 0
    assert sampan(*FLUSH).exit_code == 0
    assert events(server) == ["ReferralSent"]


def test_a_consent_that_a_withdrawal_overtook_goes_only_on_a_yes(sampan: Sampan, server: StubServer) -> None:
    """The withdrawal went before it; releasing the older consent asks first, and a no changes nothing."""
    keep(sampan, server, "CaseOpened", "ConsentGiven", "ConsentWithdrawn")
    server.refuse_events = {"CaseOpened": 422}
    sampan(*FLUSH)
    assert events(server) == ["ConsentWithdrawn"]
    (consent, _), _ = kept(sampan)
    refused = sampan("kept", "release", consent, *AS, typed="n\n")
    assert refused.exit_code == 130
    assert "may undo that" in refused.output
    sampan(*FLUSH)
    assert events(server) == ["ConsentWithdrawn"]
    assert sampan("kept", "release", consent, *AS, typed="y\n").exit_code == 0
    sampan(*FLUSH)
    assert events(server) == ["ConsentWithdrawn", "ConsentGiven"]


def test_what_is_dropped_is_gone_and_a_no_keeps_it(sampan: Sampan, server: StubServer) -> None:
    """kept drop asks; on a yes neither bytes nor reason stay."""
    keep(sampan, server, "CaseOpened")
    server.refuse_events = {"CaseOpened": 422}
    sampan(*FLUSH)
    ((refused, _),) = kept(sampan)
    assert sampan("kept", "drop", refused[:8], *AS, typed="n\n").exit_code == 130
    assert kept(sampan) == [(refused, "refused")]
    assert sampan("kept", "drop", refused[:8], *AS, typed="y\n").exit_code == 0
    assert kept(sampan) == []
    assert list(Path("data/spool/ngo-th/refused").iterdir()) == []


def test_what_is_kept_is_shown_with_the_reason_and_needs_no_server(
    sampan: Sampan, server: StubServer
) -> None:
    """With the server gone: each entry, its state, and the words of the refusal."""
    keep(sampan, server, "CaseOpened", "ReferralSent")
    server.refuse_events = {"CaseOpened": 422}
    sampan(*FLUSH)
    server.__exit__(None, None, None)
    shown = sampan("kept", "show", *AS)
    assert shown.exit_code == 0, shown.output
    assert "this is not taken." in shown.output
    assert "held" in shown.output
    assert sampan("kept", "drop", "ffff", *AS).exit_code == 1

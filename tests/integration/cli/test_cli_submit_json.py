"""``sampan submit`` with JSON: sealed, kept, sent once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.client.api import SEALED
from services.client.http import Connection
from services.runtime.clock import ManualClock
from tests.support.command import Sampan
from tests.support.stub_server import Fault, StubServer
from tests.support.submitted_documents import CANARIES, referral


@pytest.fixture
def case(folder: Path) -> Path:
    path = folder / "case.json"
    path.write_text(json.dumps(referral()))
    return path


def test_a_referral_is_sealed_here_and_gets_a_sayable_code(
    sampan: Sampan, server: StubServer, case: Path
) -> None:
    """What arrives is a sealed submission of the right event; the person gets a case code."""
    result = sampan("submit", str(case), "--as", "ngo-th")
    assert result.exit_code == 0, result.output
    assert "SP-K7RM-0001" in result.output
    assert [control.event for control in server.controls()] == ["ReferralSent"]
    assert not [word for word in CANARIES if any(word.encode() in body for body in server.bodies)]


def test_the_same_document_again_is_not_sent_again(sampan: Sampan, server: StubServer, case: Path) -> None:
    """The second time, the receipt comes from this machine's memory and nothing travels."""
    sampan("submit", str(case), "--as", "ngo-th")
    result = sampan("submit", str(case), "--as", "ngo-th")
    assert result.exit_code == 0
    assert "already sent" in result.output
    assert "SP-K7RM-0001" in result.output
    assert len(server.bodies) == 1


def test_without_a_connection_it_waits_sealed_and_flush_sends_the_same_bytes(
    sampan: Sampan, server: StubServer, case: Path, folder: Path
) -> None:
    """Offline, a row is sealed and kept, exit code 4; --flush sends exactly those bytes, once."""
    sampan("agencies", "--as", "ngo-th")
    sampan("submit", str(_other(folder)), "--as", "ngo-th")
    server.__exit__(None, None, None)
    offline = sampan("submit", str(case), "--as", "ngo-th")
    assert offline.exit_code == 4, offline.output
    assert "kept here" in offline.output
    assert "sampan submit --flush --as ngo-th" in offline.output
    again = sampan("submit", str(case), "--as", "ngo-th")
    assert again.exit_code == 4
    kept = _files(folder, "waiting")
    assert len(kept) == 1
    with server:
        flushed = sampan("submit", "--flush", "--as", "ngo-th")
        assert flushed.exit_code == 0, flushed.output
        assert "SP-K7RM-0002" in flushed.output
    assert server.bodies[-1] == kept[0]
    assert _files(folder, "waiting") == []
    assert len(server.submissions) == 2


def test_the_spool_holds_nothing_in_clear_and_belongs_to_its_owner(
    sampan: Sampan, server: StubServer, case: Path, folder: Path
) -> None:
    """No planted word in any file that the client wrote, names of files included; no file open to others."""
    server.faults = [Fault("/v1/submissions", 503, times=99)]
    assert sampan("submit", str(case), "--as", "ngo-th").exit_code == 4
    written = [path for path in (folder / "data" / "spool").rglob("*") if path.is_file()]
    assert len([path for path in written if path.suffix == ".sealed"]) == 1
    for path in written:
        found = [word for word in CANARIES if word.encode() in path.read_bytes() or word in path.name]
        assert found == []
        assert path.stat().st_mode & 0o077 == 0


def test_never_connected_says_so_and_keeps_nothing(
    sampan: Sampan, server: StubServer, case: Path, folder: Path
) -> None:
    """Without the server's public key nothing can be sealed: a clear sentence, exit code 4, no file kept."""
    server.__exit__(None, None, None)
    result = sampan("submit", str(case), "--as", "ngo-th")
    assert result.exit_code == 4
    assert "cannot seal for it yet" in result.output
    assert _files(folder, "waiting") == []


def test_one_bad_event_does_not_stop_the_good_ones(sampan: Sampan, server: StubServer, folder: Path) -> None:
    """NDJSON with a broken line, an unknown field and a good event: one is sent, two are explained."""
    path = folder / "cases.ndjson"
    path.write_text(
        json.dumps(referral(surprise="1")) + "\n{broken\n" + json.dumps(referral(priority="ROUTINE")) + "\n"
    )
    result = sampan("submit", str(path), "--as", "ngo-th", "--json")
    assert result.exit_code == 1
    rows = json.loads(result.stdout)["files"][0]["rows"]
    assert [row["state"] for row in rows] == ["refused", "refused", "sent"]
    assert rows[0]["problems"][0]["field"] == "surprise"
    assert rows[1]["problems"][0]["code"] == "bad-json"
    assert len(server.submissions) == 1


def test_a_refusal_by_the_server_is_said_and_the_bytes_are_kept(
    sampan: Sampan, server: StubServer, case: Path, folder: Path
) -> None:
    """The server's own words and remedy are shown; the refused bytes are set aside, not thrown away."""
    body = {
        "title": "no",
        "status": 403,
        "code": "not-allowed",
        "detail": "not in this role.",
        "remedy": "Ask Mai.",
    }
    server.faults = [Fault("/v1/submissions", 403, body)]
    result = sampan("submit", str(case), "--as", "ngo-th")
    assert result.exit_code == 1
    assert "not in this role. Ask Mai." in result.output
    assert len(_files(folder, "refused")) == 1
    assert sampan("submit", str(case), "--as", "ngo-th").exit_code == 0
    assert _files(folder, "refused") == []


def test_a_busy_server_is_asked_again_as_it_wishes(
    sampan: Sampan, server: StubServer, case: Path, clock: ManualClock
) -> None:
    """503 with Retry-After: the client waits that long by its clock, then sends the same bytes."""
    server.faults = [Fault("/v1/submissions", 503, headers={"Retry-After": "7"}, times=2)]
    before = clock.now()
    assert sampan("submit", str(case), "--as", "ngo-th").exit_code == 0
    assert (clock.now() - before).total_seconds() == 14
    assert len(server.submissions) == 1


def test_a_receipt_lost_on_the_way_is_no_second_referral(
    sampan: Sampan, server: StubServer, case: Path, folder: Path
) -> None:
    """The server recorded it, the answer never came: sending again yields the same receipt, one record."""
    sampan("agencies", "--as", "ngo-th")
    server.faults = [Fault("/v1/submissions", 503, times=99)]
    sampan("submit", str(case), "--as", "ngo-th")
    server.faults = []
    sealed = _files(folder, "waiting")[0]
    # The answer to this call is what gets lost.
    line = Connection(server.url, "token-ngo-th", jitter=lambda: 0.0)
    line.post_bytes("/v1/submissions", sealed, SEALED)
    line.close()
    result = sampan("submit", str(case), "--as", "ngo-th")
    assert result.exit_code == 0
    assert "already sent" in result.output
    assert len(server.submissions) == 1


def test_the_same_id_for_other_content_is_refused_before_it_leaves(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """A submission id that was used before for other content: refused with field and remedy."""
    fixed = {"submission_id": "0198c2f1-0000-7000-8000-000000000001"}
    first, second = folder / "a.json", folder / "b.json"
    first.write_text(json.dumps(referral(**fixed)))
    second.write_text(json.dumps(referral(**fixed, priority="EMERGENCY")))
    assert sampan("submit", str(first), "--as", "ngo-th").exit_code == 0
    result = sampan("submit", str(second), "--as", "ngo-th")
    assert result.exit_code == 1
    assert "submission_id: this submission id was used before for other content" in result.output
    assert len(server.bodies) == 1


def test_what_the_recipients_system_cannot_hold_is_told_at_submit_time(
    sampan: Sampan, server: StubServer, case: Path
) -> None:
    """Only fields that this document fills, and only for agencies that it names."""
    server.losses["shelter-th"] = {
        "format": "primero",
        "losses": [
            {"field": "F1.ethnicity", "loss": "dropped", "why": "no such field there"},
            {"field": "F1.other_names", "loss": "dropped", "why": "no such field there"},
        ],
    }
    result = sampan("submit", str(case), "--as", "ngo-th")
    assert "ethnicity (F1)" in result.output
    assert "Lotus Shelter" in result.output
    assert "other names" not in result.output


def test_assisted_hands_over_in_clear_only_when_asked(sampan: Sampan, server: StubServer, case: Path) -> None:
    """--assisted sends the event itself, values included, and nothing to the sealed endpoint."""
    result = sampan("submit", str(case), "--as", "ngo-th", "--assisted")
    assert result.exit_code == 0, result.output
    assert server.assisted[0]["subjects"][0]["groups"]["F1"]["given_name"] == "Noy"
    assert server.bodies == []


def test_assisted_without_a_connection_keeps_nothing_in_clear(
    sampan: Sampan, server: StubServer, case: Path, folder: Path
) -> None:
    """What was to be sealed by the server is not written to this machine when the line is down."""
    server.__exit__(None, None, None)
    result = sampan("submit", str(case), "--as", "ngo-th", "--assisted")
    assert result.exit_code == 4
    for path in (folder / "data").rglob("*"):
        assert not path.is_file() or b"Testperson" not in path.read_bytes()


def _other(folder: Path) -> Path:
    path = folder / "other.json"
    path.write_text(json.dumps(referral(priority="EMERGENCY")))
    return path


def _files(folder: Path, kind: str) -> list[bytes]:
    where = folder / "data" / "spool" / "ngo-th" / kind
    return [path.read_bytes() for path in sorted(where.glob("*.sealed"))] if where.exists() else []

"""The spool: whole or not at all, in order, for several processes at once."""

from __future__ import annotations

import errno
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.context import SpawnContext
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from contracts.api import SubmitReceipt
from contracts.errors import Conflict, InvalidInput
from contracts.open_event import OpenEvent
from services.client.errors import NoConnection, SpoolFull
from services.client.secret import Secret
from services.client.sending import Sender, State
from services.client.spool import Sent, Spool, Waiting
from tests.support.stub_server import receipt

SPACE = UUID(int=7)
CHAIN = "0" * 16
CONTENT = "c" * 32


def number(n: int) -> UUID:
    return uuid5(SPACE, str(n))


def a_receipt(submission_id: UUID) -> SubmitReceipt:
    return SubmitReceipt.model_validate(receipt(submission_id, 1))


def event(n: int, case: str = "one") -> OpenEvent:
    return OpenEvent.model_validate(
        {
            "event": "ReferralSent",
            "event_id": str(number(n)),
            "submission_id": str(number(n)),
            "occurred_at": "2026-11-24T02:30:00Z",
            "sender": "ngo-th",
            "case": case,
        }
    )


class Server:
    """Takes sealed bytes; may be down, or refuse some."""

    def __init__(self, down: bool = False) -> None:
        self.down, self.got, self.refuses = down, list[bytes](), set[bytes]()

    def submit(self, sealed: bytes) -> SubmitReceipt:
        if self.down:
            raise NoConnection("no connection.")
        if sealed in self.refuses:
            raise InvalidInput("no.")
        self.got.append(sealed)
        return a_receipt(UUID(sealed.decode()))


def sender(spool: Spool, server: Server) -> Sender:
    return Sender(spool, Secret(b"k" * 32), lambda each: str(each.submission_id).encode(), server.submit)


def test_what_waits_keeps_its_order_and_bytes(tmp_path: Path) -> None:
    """Ten kept, ten read back in order, by another Spool on the same folder."""
    spool = Spool(tmp_path / "spool")
    for n in range(10):
        spool.add(number(n), CONTENT, CHAIN, b"sealed %d" % n)
    assert [entry.sealed() for entry in Spool(tmp_path / "spool").waiting()] == [
        b"sealed %d" % n for n in range(10)
    ]


def test_keeping_the_same_submission_twice_keeps_the_first_bytes(tmp_path: Path) -> None:
    """A second sealing is dropped: retries carry the same bytes, never others."""
    spool = Spool(tmp_path / "spool")
    spool.add(number(1), CONTENT, CHAIN, b"first")
    kept = spool.add(number(1), CONTENT, CHAIN, b"second")
    assert isinstance(kept, Waiting)
    assert kept.sealed() == b"first"
    with pytest.raises(Conflict):
        spool.add(number(1), "d" * 32, CHAIN, b"other content")


def test_a_full_disk_is_a_sentence_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room at any of the three steps of writing: SpoolFull, and the folder is as before."""
    spool = Spool(tmp_path / "spool")
    spool.add(number(1), CONTENT, CHAIN, b"first")

    def full(*arguments: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    for step in ("fsync", "replace", "open"):
        with monkeypatch.context() as patched:
            real_open = os.open
            patched.setattr(os, step, full if step != "open" else _full_for_drafts(real_open))
            with pytest.raises(SpoolFull) as caught:
                spool.add(number(2), CONTENT, CHAIN, b"second")
        assert "untouched" in caught.value.sentence()
        files = [path.name for path in (tmp_path / "spool" / "waiting").iterdir()]
        assert len(files) == 1
    assert [entry.sealed() for entry in spool.waiting()] == [b"first"]


def test_a_receipt_outlives_the_process_and_ends_the_waiting(tmp_path: Path) -> None:
    """After record_sent the bytes are gone and the receipt is found by another process' Spool."""
    spool = Spool(tmp_path / "spool")
    kept = spool.add(number(1), CONTENT, CHAIN, b"first")
    assert isinstance(kept, Waiting)
    spool.record_sent(kept, a_receipt(number(1)))
    assert spool.waiting() == []
    found = Spool(tmp_path / "spool").find(number(1), CONTENT)
    assert isinstance(found, Sent)
    assert found.receipt == a_receipt(number(1))


def test_after_the_first_trouble_nothing_more_is_tried(tmp_path: Path) -> None:
    """One failed call, not one for each row; all of them wait."""
    server = Server(down=True)
    sending = sender(Spool(tmp_path / "spool"), server)
    states = [sending.send(event(n), b"%d" % n).state for n in range(3)]
    assert states == [State.WAITING] * 3
    server.down = False
    assert sending.send(event(4), b"4").state is State.WAITING


def test_events_of_a_case_leave_in_order_even_after_an_outage(tmp_path: Path) -> None:
    """A later event of the same case takes along what waits before it; other cases do not hold it up."""
    spool, server = Spool(tmp_path / "spool"), Server(down=True)
    offline = sender(spool, server)
    for n, case in ((1, "one"), (2, "two"), (3, "one")):
        offline.send(event(n, case), b"%d" % n)
    server.down = False
    sender(spool, server).send(event(4, "one"), b"4")
    assert server.got == [str(number(n)).encode() for n in (1, 3, 4)]


def test_a_refused_event_is_set_aside_and_the_next_case_goes(tmp_path: Path) -> None:
    """A no to one event neither stops another case nor throws its bytes away; the server's words stay with it."""
    spool, server = Spool(tmp_path / "spool"), Server(down=True)
    offline = sender(spool, server)
    for n, case in ((1, "one"), (2, "two")):
        offline.send(event(n, case), b"%d" % n)
    server.down = False
    server.refuses = {str(number(1)).encode()}
    assert [outcome.state for outcome in sender(spool, server).flush()] == [State.REFUSED, State.SENT]
    (refused,) = Spool(tmp_path / "spool").refused()
    assert refused.submission_id == number(1)
    assert refused.sealed() == str(number(1)).encode()
    reason = spool.reason(refused)
    assert reason is not None
    assert (reason.message, reason.code) == ("no.", "invalid-input")
    assert spool.waiting() == []


def test_what_was_kept_by_an_older_version_is_still_read(tmp_path: Path) -> None:
    """A name without a mark, as it was written before there were marks: it waits, and is sent."""
    spool = Spool(tmp_path / "spool")
    name = f"000000000001-{CHAIN}-{CONTENT}-{number(1).hex}.sealed"
    (tmp_path / "spool" / "waiting" / name).write_bytes(str(number(1)).encode())
    assert [outcome.state for outcome in sender(spool, Server()).flush()] == [State.SENT]


def _keep_many(folder: str, first: int) -> None:
    spool = Spool(Path(folder))
    for n in range(first, first + 20):
        spool.add(number(n), CONTENT, CHAIN, str(number(n)).encode())


def _flush_into(folder: str, log: str) -> None:
    def submit(sealed: bytes) -> SubmitReceipt:
        with open(log, "ab", buffering=0) as file:
            file.write(sealed + b"\n")
        return a_receipt(UUID(sealed.decode()))

    flusher = Sender(Spool(Path(folder)), Secret(b"k" * 32), lambda each: b"", submit)
    assert all(outcome.state in (State.SENT, State.ALREADY_SENT) for outcome in flusher.flush())


def test_two_processes_keep_and_send_at_once_without_loss_or_double(tmp_path: Path) -> None:
    """Overlapping ranges kept by two processes, then flushed by two: each submission leaves once."""
    context = multiprocessing.get_context("spawn")
    folder, log = str(tmp_path / "spool"), str(tmp_path / "sent.log")
    _run(context, (_keep_many, (folder, 0)), (_keep_many, (folder, 10)))
    waiting = Spool(Path(folder)).waiting()
    assert sorted(entry.submission_id for entry in waiting) == sorted(number(n) for n in range(30))
    assert len({entry.number for entry in waiting}) == 30
    _run(context, (_flush_into, (folder, log)), (_flush_into, (folder, log)))
    sent = Path(log).read_bytes().split()
    assert sorted(sent) == sorted(str(number(n)).encode() for n in range(30))
    assert Spool(Path(folder)).waiting() == []


def _run(context: SpawnContext, *work: tuple[Callable[..., None], tuple[object, ...]]) -> None:
    running = [context.Process(target=target, args=arguments) for target, arguments in work]
    for process in running:
        process.start()
    for process in running:
        process.join(60)
    assert [process.exitcode for process in running] == [0] * len(running)


def _full_for_drafts(real_open):  # type: ignore[no-untyped-def]
    def opened(path, *arguments, **named):  # type: ignore[no-untyped-def]
        if str(path).endswith(".draft"):
            raise OSError(errno.ENOSPC, "no space")
        return real_open(path, *arguments, **named)

    return opened

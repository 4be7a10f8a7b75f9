"""Sending: whom trouble and refusals hold up, what they never hold up, and that all of it is told."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid5

import pytest

from contracts.api import SubmitReceipt
from contracts.errors import Conflict, InvalidInput, NotAllowed, NotAuthentic, NotFound, SampanError, TryLater
from contracts.open_event import OpenEvent
from services.client.errors import NoConnection, NotSampan, ServerFault
from services.client.secret import Secret
from services.client.sending import OVERTAKEN, Outcome, Sender, State, takes_away
from services.client.spool import Spool
from tests.support.stub_server import receipt


def number(n: int) -> UUID:
    return uuid5(UUID(int=7), str(n))


def event(n: int, case: str = "one", name: str = "ReferralSent", **more: object) -> OpenEvent:
    ids = {"event_id": str(number(n)), "submission_id": str(number(n))}
    at = {"occurred_at": "2026-11-24T02:30:00Z", "sender": "ngo-th"}
    return OpenEvent.model_validate({"event": name, "case": case, **ids, **at, **more})


class Server:
    """Takes sealed bytes, which are the event's number here; answers some of them otherwise."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.asked: list[int] = []
        self.answers: dict[int, SampanError] = {}
        self.down = True

    def submit(self, sealed: bytes) -> SubmitReceipt:
        n = int(sealed)
        if self.down:
            raise NoConnection("no connection.")
        self.asked.append(n)
        if n in self.answers:
            raise self.answers[n]
        self.got.append(n)
        return SubmitReceipt.model_validate(receipt(number(n), n))


class Machine:
    """A spool, and a new sender for every run."""

    def __init__(self, folder: Path) -> None:
        self.spool, self.server = Spool(folder / "spool"), Server()
        self.numbers = {number(n): n for n in range(20)}

    def sender(self) -> Sender:
        def seal(each: OpenEvent) -> bytes:
            return str(self.numbers[each.submission_id]).encode()

        return Sender(self.spool, Secret(b"k" * 32), seal, self.server.submit)

    def keep(self, *events: OpenEvent) -> None:
        """Keep events while the line is down; then it is up."""
        self.server.down, sender = True, self.sender()
        for each in events:
            assert self.send(each, sender).state is State.WAITING
        self.server.down = False

    def send(self, each: OpenEvent, sender: Sender | None = None) -> Outcome:
        return (sender or self.sender()).send(each, str(each.submission_id).encode())

    def flush(self) -> dict[int, State]:
        return {self.numbers[each.submission_id]: each.state for each in self.sender().flush()}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("refusal", [NotAllowed("no."), Conflict("no."), InvalidInput("no.")])
def test_a_refusal_of_what_waited_before_is_told_with_the_next_event(
    machine: Machine, refusal: SampanError
) -> None:
    """A withdrawal that waited is refused when a later event of its case is sent: the outcome says so."""
    machine.keep(event(1, name="ConsentWithdrawn"), event(2, case="two"))
    machine.server.answers = {1: refusal}
    outcome = machine.send(event(3))
    assert [(each.state, each.problem) for each in outcome.earlier] == [(State.REFUSED, refusal)]
    assert outcome.state is State.HELD
    assert machine.server.got == []


def test_what_was_sent_on_the_way_is_told_too(machine: Machine) -> None:
    """Receipts of what had waited before it come with the outcome, in order."""
    machine.keep(event(1), event(2))
    outcome = machine.send(event(3))
    assert [(each.submission_id, each.state) for each in outcome.earlier] == [
        (number(n), State.SENT) for n in (1, 2)
    ]
    assert outcome.state is State.SENT


def test_what_comes_after_a_refused_event_of_its_case_is_held(machine: Machine) -> None:
    """Three events of one case waited and the first is refused: the others are held, other cases go."""
    machine.keep(event(1), event(2), event(3, case="two"), event(4))
    machine.server.answers = {1: InvalidInput("no.")}
    assert machine.flush() == {1: State.REFUSED, 2: State.HELD, 3: State.SENT, 4: State.HELD}
    assert machine.flush() == {}
    assert machine.server.asked == [1, 3]
    reasons = [machine.spool.reason(each) for each in machine.spool.held()]
    assert [reason.code for reason in reasons if reason] == ["held-back"] * 2


def test_what_is_held_goes_when_it_is_sent_again(machine: Machine) -> None:
    """The refused event mended, both sent again as the same command does: they leave in order."""
    machine.keep(event(1), event(2))
    machine.server.answers = {1: InvalidInput("no.")}
    machine.flush()
    machine.server.answers = {}
    machine.keep(event(1), event(2))
    assert machine.flush() == {1: State.SENT, 2: State.SENT}
    assert machine.server.got == [1, 2]
    assert machine.spool.held() == machine.spool.refused() == machine.spool.waiting() == []


def test_an_event_written_after_the_refusal_is_not_held(machine: Machine) -> None:
    """Whoever writes it has been told; the case is not shut for ever."""
    machine.keep(event(1))
    machine.server.answers = {1: InvalidInput("no.")}
    machine.flush()
    assert machine.send(event(2)).state is State.SENT


@pytest.mark.parametrize("answer", [InvalidInput("no."), ServerFault("no.", status=500), NotFound("no.")])
def test_a_withdrawal_is_held_up_by_nothing_and_no_older_consent_follows_it(
    machine: Machine, answer: SampanError
) -> None:
    """Refused or failing before it: the withdrawal goes, and what it overtook goes at no later flush."""
    machine.keep(event(1), event(2, name="ConsentGiven"), event(3, name="ConsentWithdrawn"), event(4))
    machine.server.answers = {1: answer}
    assert machine.flush()[3] is State.SENT
    machine.server.answers = {}
    for _ in range(2):
        machine.flush()
    assert machine.server.got == [3]
    overtaken = [each for each in machine.spool.held() if _code(machine, each.submission_id) == OVERTAKEN]
    assert number(2) in {each.submission_id for each in overtaken}
    assert machine.send(event(2, name="ConsentGiven")).state is State.HELD
    assert machine.server.got == [3]


def test_what_was_overtaken_goes_when_a_person_releases_it(machine: Machine) -> None:
    """Released, it leaves behind all that waits now."""
    machine.keep(event(1), event(2), event(3, name="ProtectionFreezeSet"))
    machine.server.answers = {1: InvalidInput("no.")}
    machine.flush()
    machine.keep(event(4))
    (held,) = machine.spool.held()
    machine.spool.release(held)
    assert list(machine.flush()) == [4, 2]


def test_a_withdrawal_typed_while_its_case_is_stuck_is_sent(machine: Machine) -> None:
    """In the run in which an older event of the case fails, the withdrawal still goes."""
    machine.keep(event(1))
    machine.server.answers = {1: ServerFault("no.", status=500)}
    outcome = machine.send(event(2, name="ConsentWithdrawn"))
    assert outcome.state is State.SENT
    assert machine.flush() == {}


@pytest.mark.parametrize(
    "answer", [ServerFault("no.", status=500), NotFound("no."), SampanError("no.", code="unreadable-answer")]
)
def test_one_event_that_the_server_fails_at_holds_up_its_case_alone(
    machine: Machine, answer: SampanError
) -> None:
    """At every flush the poison is kept, its case waits behind it in order, every other case goes."""
    machine.keep(event(1), event(2, case="two"), event(3))
    machine.server.answers = {1: answer}
    assert machine.flush() == {1: State.WAITING, 2: State.SENT, 3: State.WAITING}
    assert machine.server.asked == [1, 2]
    machine.server.answers = {}
    assert machine.flush() == {1: State.SENT, 3: State.SENT}


@pytest.mark.parametrize(
    "answer",
    [NoConnection("no."), NotAuthentic("no."), TryLater("429 or 503"), NotSampan("a log-in page.")],
)
def test_trouble_with_the_line_or_the_token_stops_everything(machine: Machine, answer: SampanError) -> None:
    """Answers that say nothing about the event: no other is tried in this run, a withdrawal neither."""
    machine.keep(event(1), event(2, case="two"), event(3, name="ConsentWithdrawn"))
    machine.server.answers = {1: answer}
    assert set(machine.flush().values()) == {State.WAITING}
    assert machine.server.asked == [1]
    assert machine.spool.held() == []


@pytest.mark.parametrize(
    ("given", "only_takes"),
    [
        ({"name": "ConsentWithdrawn"}, True),
        ({"name": "MessageRecalled"}, True),
        ({"name": "ConsentGiven"}, False),
        ({"name": "CaseUpdated", "subjects": [{"facts": {"notify_origin": "objection"}}]}, True),
        ({"subjects": [{"facts": {"age": "child"}}], "to": ["SHA@TH"]}, False),
        ({"subjects": [{"facts": {"age": "child"}, "groups": {"F1": {"given_name": "Noy"}}}]}, False),
    ],
)
def test_what_only_takes_away_is_told_from_what_also_tells(
    given: dict[str, object], only_takes: bool
) -> None:
    """By its name, or by a fact that takes away in an event that asks for nothing and tells nothing."""
    assert takes_away(event(1, **given)) is only_takes  # type: ignore[arg-type]


def test_the_mark_of_what_takes_away_says_nothing_without_the_secret(machine: Machine) -> None:
    """Names in the spool are of one form for a withdrawal and for a referral, and differ by their owner's key."""
    machine.keep(event(1, name="ConsentWithdrawn"), event(2))
    marks = [entry.mark for entry in machine.spool.waiting()]
    assert [len(mark) for mark in marks] == [8, 8]
    assert Secret(b"x" * 32).mark(number(1), True) != marks[0]
    assert Secret(b"k" * 32).mark(number(1), True) == marks[0]
    assert Secret(b"k" * 32).mark(number(2), True) != marks[1]


def _code(machine: Machine, submission_id: UUID) -> str | None:
    (entry,) = [each for each in machine.spool.held() if each.submission_id == submission_id]
    reason = machine.spool.reason(entry)
    return reason.code if reason else None

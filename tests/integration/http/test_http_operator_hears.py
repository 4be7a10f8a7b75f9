"""What a caller cannot mend: the operator's log names it by code and place, and its metrics count it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, get_args
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from contracts.errors import InvalidInput
from services.assembly import counting
from services.intake.candidate import Handed, Result
from services.runtime.store.port import CommitUnknown
from services.runtime.telemetry.metrics import CounterName, GaugeName, HistogramName, Metrics
from tests.support.http_world import HttpWorld, is_problem
from tests.support.repository import python_files, strings
from tests.support.services_world import CANARIES

ALTER: Final = "update {} set sealed = set_byte(sealed, 40, (get_byte(sealed, 40) + 1) % 256)"


async def test_an_altered_database_is_told_to_the_operator(http: HttpWorld) -> None:
    """A stored part that does not open is 401 to the reader and one line, code and place, to the operator."""
    receipt = await http.world.refer()
    await http.world.store.pool.execute(ALTER.format("router.receipts"))
    with capture_logs() as lines:
        answer = await http.get(f"/v1/cases/{receipt.case_code}/timeline", "ngo-th")
    is_problem(answer, 401, code="key-broken")
    (line,) = lines
    assert (line["event"], line["error"]) == ("request_failed", "key-broken")
    assert line["at"].startswith("subject_keys.py:")


async def test_a_coded_fault_is_told_without_its_message(
    http: HttpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coded error of the 500s is a line with its code and place; nothing of its message is in it."""

    async def unknown(*_args: Any, **_rest: Any) -> None:
        raise CommitUnknown(CANARIES[0], field=CANARIES[1])

    monkeypatch.setattr(http.world.instance.inbox, "page", unknown)
    with capture_logs() as lines:
        answer = await http.get("/v1/inbox", "shelter-th")
    assert answer.status_code >= 500
    (line,) = lines
    assert (line["event"], line["error"]) == ("request_failed", "commit-unknown")
    assert line["at"].startswith("test_http_operator_hears.py:")
    assert not [canary for canary in CANARIES if canary in str(line)]


async def test_a_refusal_is_no_matter_of_the_operator(http: HttpWorld) -> None:
    """Not signed in, not here, wrong: the caller's own affair, and no line."""
    with capture_logs() as lines:
        is_problem(await http.get("/v1/inbox"), 401)
        is_problem(await http.get("/v1/cases/SP-00000-00001", "ngo-th"), 422)
        is_problem(await http.get(f"/v1/cases/{http.world.id()}", "ngo-th"), 404)
    assert not lines


async def test_a_fault_after_the_answer_began_is_told_by_its_code(
    http: HttpWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a batch's answer a coded error is wrapped by the framework; the log names ours."""
    batches = []

    async def breaks(batch: Sequence[Handed]) -> list[Result]:
        batches.append(len(batch))
        if len(batches) > 1:
            raise CommitUnknown(CANARIES[0])
        return [InvalidInput("no", code="bad") for _ in batch]

    monkeypatch.setattr(http.world.instance.batcher, "submit_many", breaks)
    body = b"\0\0\0\1x" * 51
    with capture_logs() as lines, pytest.raises(AssertionError):  # the client: an answer that stops short
        await http.post("/v1/submissions:batch", "ngo-th", content=body)
    assert batches == [50, 1]
    (line,) = lines
    assert (line["event"], line["error"]) == ("request_failed", "commit-unknown")
    assert line["at"].startswith("test_http_operator_hears.py:")
    assert CANARIES[0] not in str(line)


async def test_submissions_that_nobody_was_answered_for_are_counted() -> None:
    """A batch whose outcome is unknown counts as failed, each submission of it, and the error goes on."""
    metrics = Metrics()

    async def unknown(_batch: Sequence[Handed]) -> list[Result]:
        raise CommitUnknown("broke")

    with pytest.raises(CommitUnknown):
        await counting.counted(unknown, metrics)([Handed(b"", UUID(int=number)) for number in range(3)])
    assert b'sampan_submissions_total{outcome="failed"} 3.0' in metrics.text()


async def test_a_case_that_stands_still_raises_a_gauge(http: HttpWorld) -> None:
    """A case that the router could not fold is counted at its consumer, and the others' gauges stay at zero."""
    assert 'sampan_keys_parked{consumer="router"} 0.0' in (await http.get("/metrics")).text
    receipt = await http.world.refer()
    await http.world.store.pool.execute(ALTER.format("router.subject_state"))
    await http.world.submit(
        event="VictimIdentified", case=str(receipt.case_ref), subjects=[{"subject": receipt.subject_refs[0]}]
    )
    await http.world.instance.settle()
    text = (await http.get("/metrics")).text
    assert 'sampan_keys_parked{consumer="router"} 1.0' in text
    assert 'sampan_keys_parked{consumer="delivery"} 0.0' in text
    assert 'sampan_keys_parked{consumer="intake-aliases"} 0.0' in text


def test_every_metric_is_one_that_something_records() -> None:
    """No name on the list is one that no code of ours ever records: an operator would watch a zero."""
    names = {*get_args(CounterName), *get_args(GaugeName), *get_args(HistogramName)}
    recorded = {
        value for path in python_files("services") if path.name != "metrics.py" for _, value in strings(path)
    }
    assert names <= recorded

"""What an answer says beside its body."""

from __future__ import annotations

import pytest

from adapters.exchange import Reply, Verdict
from adapters.primero.replies import failure
from adapters.webhook import outbound
from tests.support.dispatches import DISPATCH


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("99999999", 86_400),
        ("999999999", None),
        ("-1", None),
        ("1.5", None),
        ("\u0661\u0662", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_a_wait_is_told_in_seconds_and_never_longer_than_a_day(header: str, seconds: int | None) -> None:
    """Plain digits alone are a number; whatever else the other side writes asks for nothing."""
    assert Reply(503, headers={"retry-after": header}).retry_after_seconds == seconds
    assert Reply(503).retry_after_seconds is None


def test_every_lane_waits_as_long_as_it_was_asked_to() -> None:
    """Primero and webhooks read the same header the same way."""
    busy = Reply(503, headers={"retry-after": "120"})
    notice = outbound.render(DISPATCH, 7, path="/in", timestamp=1, signers=[])
    for verdict in (failure(busy, repeatable=True), notice.after(busy)):
        assert isinstance(verdict, Verdict)
        assert (verdict.state, verdict.retry_after_seconds) == ("later", 120)

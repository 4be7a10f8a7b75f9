"""A process's log lines go to standard error as it is when they are written."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest
import structlog

from services.runtime.telemetry.logs import configure_logs


@pytest.fixture(autouse=True)
def _left_as_found() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("pretty", [False, True])
def test_a_stream_that_closed_since_breaks_no_later_line(monkeypatch: pytest.MonkeyPatch, pretty: bool) -> None:
    """Whoever set logs up under a stream of its own, and closed it, silences and breaks nobody after it."""
    first, then = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    monkeypatch.setattr(sys, "stderr", first)
    configure_logs(pretty=pretty)
    log = structlog.get_logger("a room")
    log.info("before")
    first.close()
    monkeypatch.setattr(sys, "stderr", then)
    log.warning("after", number=7)
    assert isinstance(then.buffer, io.BytesIO)
    line = then.buffer.getvalue().decode()
    assert "after" in line
    assert pretty or json.loads(line)["number"] == 7

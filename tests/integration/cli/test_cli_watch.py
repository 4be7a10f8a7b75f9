"""``sampan watch``: every item once, in order, live or by asking, and on from where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from contracts.errors import NotAuthentic
from services.client.api import Api
from services.client.http import Connection
from services.client.stream import follow
from tests.support.command import Sampan
from tests.support.inbox_items import item
from tests.support.stub_server import Fault, StubServer


@pytest.fixture
def api(server: StubServer) -> Iterator[Api]:
    line = Connection(server.url, "token-shelter-th", sleep=lambda seconds: None, jitter=lambda: 0.0)
    yield Api(line)
    line.close()


def test_live_items_follow_the_backlog_without_gap_or_repeat(server: StubServer, api: Api) -> None:
    """Two items that lay there and two that come while watching: four, in order, each once."""
    server.inbox["shelter-th"] = [item(1), item(2)]
    feed = follow(api, 0, sleep=lambda seconds: None)
    seen = [each.cursor for each in islice(feed, 2)]
    server.inbox["shelter-th"] += [item(3), item(4)]
    seen += [each.cursor for each in islice(feed, 2)]
    assert seen == [1, 2, 3, 4]
    assert "GET /v1/inbox/stream" in server.calls


def test_a_feed_that_repeats_shows_nothing_twice(server: StubServer, api: Api) -> None:
    """A live feed that begins again at the first item: what was seen is not shown again."""
    server.feed_repeats = True
    server.inbox["shelter-th"] = [item(1), item(2)]
    feed = follow(api, 0, sleep=lambda seconds: None)
    seen = [each.cursor for each in islice(feed, 2)]
    server.inbox["shelter-th"] += [item(3)]
    assert [*seen, next(feed).cursor] == [1, 2, 3]


def test_what_the_feed_loses_is_read_from_the_page(server: StubServer, api: Api) -> None:
    """After 1 the live feed brings 3: the item between is fetched and shown first."""
    server.feed_skips = {2}
    server.inbox["shelter-th"] = [item(1)]
    feed = follow(api, 0, sleep=lambda seconds: None)
    seen = [next(feed).cursor]
    server.inbox["shelter-th"] += [item(2), item(3)]
    assert [*seen, *(each.cursor for each in islice(feed, 2))] == [1, 2, 3]


def test_without_a_live_feed_it_asks_again_and_again(server: StubServer, api: Api) -> None:
    """A server without the stream: the same items by polling, with pauses between."""
    server.live_feed = False
    server.inbox["shelter-th"] = [item(1)]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        server.inbox["shelter-th"] = [item(1), item(2)]

    assert [each.cursor for each in islice(follow(api, 0, sleep=pause), 2)] == [1, 2]
    assert pauses == [5.0]


def test_a_broken_line_is_waited_out(server: StubServer, api: Api) -> None:
    """Errors on the way are told in words and the feed goes on at its cursor."""
    server.inbox["shelter-th"] = [item(1), item(2)]
    told: list[str] = []
    server.faults = [Fault("/v1/inbox", 500, times=1)]
    feed = follow(api, 1, sleep=lambda seconds: None, tell=told.append)
    assert next(feed).cursor == 2
    assert any("Trying again." in sentence for sentence in told)


def test_a_token_that_is_known_no_more_ends_it(server: StubServer, api: Api) -> None:
    """Waiting would not help, so it stops with the reason."""
    server.faults = [Fault("/v1/inbox", 401, {"title": "no", "status": 401, "code": "expired"})]
    with pytest.raises(NotAuthentic):
        next(follow(api, 0, sleep=lambda seconds: None))


def test_ctrl_c_stops_cleanly_and_the_next_watch_goes_on(
    sampan: Sampan, server: StubServer, folder: Path
) -> None:
    """Each item is shown in one watch alone; stopping is one sentence and exit code 130."""
    server.inbox["shelter-th"] = [item(1)]
    assert "#1" in _watch_one(folder)
    server.inbox["shelter-th"] += [item(2, "dispatch-2")]
    second = _watch_one(folder)
    assert "#2" in second
    assert "#1 " not in second


def _watch_one(folder: Path) -> str:
    """Watch until one line came, then Ctrl-C; what was shown."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-c",
            "from services.cli.main import main; main()",
            "watch",
            "--as",
            "shelter-th",
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    place = folder / "data" / "watch" / "shelter-th.json"
    while line.split()[0].removeprefix("#") not in (place.read_text() if place.exists() else ""):
        continue  # the place is noted right after the line is shown
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert "goes on from there" in errors
    assert "Traceback" not in errors
    return line + rest

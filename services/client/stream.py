"""Following the inbox: live where the server offers it, else by asking; never a gap, never twice.

The feed's cursor is dense: after 41 comes 42. A jump means that something was missed on the way, and the
page read fills it in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from contracts.api import InboxItem
from contracts.errors import NotAllowed, NotAuthentic, NotFound, SampanError
from services.client.api import Api

QUIET_SECONDS_MAX: Final = 60.0
"""The server sends a comment every few seconds; a longer silence is a dead line."""
POLL_SECONDS: Final = 5.0
DATA_LENGTH_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One server-sent event (WHATWG HTML, 9.2)."""

    name: str
    data: str


def server_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """Events of a ``text/event-stream``; comments, unknown fields and a cut last event are dropped."""
    name, data, size = "message", list[str](), 0
    for line in lines:
        if not line:
            if data:
                yield ServerEvent(name, "\n".join(data))
            name, data, size = "message", [], 0
            continue
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "event":
            name = value
        elif key == "data":
            size += len(value)
            if size > DATA_LENGTH_MAX:
                raise SampanError("the live feed sent more than an item can be.", code="unreadable-answer")
            data.append(value)


def follow(
    api: Api,
    after: int,
    *,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda sentence: None,
) -> Iterator[InboxItem]:
    """Yield every item after the cursor ``after``, for ever. Broken lines are waited out.

    Args:
        tell: told in one sentence when the line breaks and how it goes on.

    Raises:
        NotAuthentic, NotAllowed: the server knows this token no more; going on would not help.
    """
    live = True
    while True:
        try:
            for item in _missed(api, after):
                after = item.cursor
                yield item
            if live:
                for item in _live(api, after):
                    after = item.cursor
                    yield item
        except NotFound:
            live = False
            tell("the server offers no live feed; asking every few seconds instead.")
        except (NotAuthentic, NotAllowed):
            raise
        except SampanError as trouble:
            tell(f"{trouble.message} Trying again.")
        sleep(POLL_SECONDS)


def _missed(api: Api, after: int) -> Iterator[InboxItem]:
    for item in api.whole_inbox(after):
        if item.cursor > after:
            yield item


def _live(api: Api, after: int) -> Iterator[InboxItem]:
    with api.line.lines("/v1/inbox/stream", quiet_seconds_max=QUIET_SECONDS_MAX, after=after) as lines:
        for event in server_events(lines):
            if event.name != "item":
                continue
            try:
                item = InboxItem.model_validate_json(event.data)
            except ValidationError:
                raise SampanError(
                    "an item of the live feed cannot be read.", code="unreadable-answer"
                ) from None
            if item.cursor <= after:
                continue
            missed = _missed(api, after) if item.cursor > after + 1 else iter((item,))
            for each in missed:
                after = each.cursor
                yield each

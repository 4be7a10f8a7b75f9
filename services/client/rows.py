"""A document as rows: events to send, questions to ask, or a refusal. One bad row stops no other."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.errors import SampanError
from contracts.open_event import OpenEvent
from contracts.private import REVEAL


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a workbook, or one event of a JSON document.

    ``events`` leave in order and belong to one case. ``contents`` are the bytes by which each event is known
    when it comes again; never shown, never stored but as a keyed digest.
    """

    label: str
    events: tuple[OpenEvent, ...] = ()
    contents: tuple[bytes, ...] = field(default=(), repr=False)
    questions: tuple[str, ...] = ()
    problems: tuple[SampanError, ...] = ()


def content_of(event: OpenEvent) -> bytes:
    """What an event says, without the moment at which it was read from its document."""
    return event.model_dump_json(
        exclude={"occurred_at"}, exclude_none=True, by_alias=True, context=REVEAL
    ).encode()

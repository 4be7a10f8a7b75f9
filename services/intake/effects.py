"""What a taken submission leaves behind: its receipt row, its references, the gates it closes, its log record."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from contracts.control import ControlPayload
from contracts.errors import Conflict
from contracts.narrowing import closes_gate
from contracts.placed import HEADER, Placed, encode_placed, stated_facts
from contracts.schema_ids import schema_id
from contracts.sealing import Header, frame
from contracts.topic_names import CASE_EVENTS
from services.runtime.log.cloud_events import cloud_headers
from services.runtime.log.port import NewRecord
from services.runtime.telemetry import traces

SEALED_EVENT: Final = schema_id("sealed_event.v1")
CE_TYPE: Final = "org.sampan.case-event"
"""CloudEvents type of every sealed event: neutral, since the true name alone can kill."""


def record_of(header: Header, event: bytes, placed: Placed) -> NewRecord:
    """The log record: CloudEvents 1.0 in Kafka's binary mode, the sealed event as it was signed."""
    headers = cloud_headers(
        str(header.event_id), CE_TYPE, header.occurred_at, source=f"/agencies/{header.sender}"
    )
    headers[HEADER] = encode_placed(placed)
    if (parent := traces.traceparent()) is not None:
        headers[traces.HEADER] = parent
    return NewRecord(CASE_EVENTS, placed.log_key, frame(SEALED_EVENT, event), headers)


def narrowed_subjects(control: ControlPayload, placed: Placed) -> list[UUID]:
    """Whose gates this event closes: each person of whom it, or a fact it states, takes something away.

    The router counts by the same predicate, so a gate's version tells how far the router has followed.
    """
    facts = stated_facts(control, placed)
    return [subject_id for subject_id, stated in facts.items() if closes_gate(control.event, [stated])]


def conflict(message: str, field: str) -> Conflict:
    """The same id for other content."""
    return Conflict(
        message, code="id-used", field=field,
        remedy="A changed document needs a new submission; the earlier one stands as it was.",
    )  # fmt: skip

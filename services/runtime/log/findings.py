"""Records of what Sampan itself finds: they enter case-events beside what agencies say, and the router reads both."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from contracts.codec import encode
from contracts.records import RunningEvent
from contracts.schema_ids import schema_id
from contracts.sealing import frame
from contracts.topic_names import CASE_EVENTS
from services.runtime.log.port import NewRecord

_RUNNING_EVENT: Final = schema_id("running_event.v1")


def finding_record(event: RunningEvent, log_key: UUID) -> NewRecord:
    """A record for case-events, in CloudEvents' binary binding; whoever wrote it, it looks alike."""
    return NewRecord(
        CASE_EVENTS, log_key, frame(_RUNNING_EVENT, encode(event)),
        {"ce_specversion": b"1.0", "ce_id": str(event.event_id).encode(), "ce_source": b"/sampan",
         "ce_type": b"org.sampan.running-event", "ce_time": event.at.isoformat().encode()},
    )  # fmt: skip

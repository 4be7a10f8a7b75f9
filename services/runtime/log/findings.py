"""Records of what Sampan itself finds: they enter case-events beside what agencies say, and the router reads both."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from contracts.records import RunningEvent
from contracts.schema_ids import schema_id
from contracts.topic_names import CASE_EVENTS
from services.runtime.log.cloud_events import own_record
from services.runtime.log.port import NewRecord

_RUNNING_EVENT: Final = schema_id("running_event.v1")


def finding_record(event: RunningEvent, log_key: UUID) -> NewRecord:
    """A record for case-events; whoever wrote it, it looks alike."""
    return own_record(
        CASE_EVENTS, log_key, _RUNNING_EVENT, event,
        ce_id=str(event.event_id), ce_type="org.sampan.running-event", at=event.at,
    )  # fmt: skip

"""Records of what became of dispatches, for delivery-events."""

from __future__ import annotations

from typing import Final

from contracts.records import DeliveryEvent
from contracts.schema_ids import schema_id
from contracts.topic_names import DELIVERY_EVENTS
from services.runtime.log.cloud_events import own_record
from services.runtime.log.port import NewRecord

_DELIVERY_EVENT: Final = schema_id("delivery_event.v1")


def delivery_record(event: DeliveryEvent) -> NewRecord:
    """A record for delivery-events; whoever wrote it, it looks alike."""
    return own_record(
        DELIVERY_EVENTS, event.case_id, _DELIVERY_EVENT, event,
        ce_id=str(event.event_id), ce_type="org.sampan.delivery-event", at=event.at,
    )  # fmt: skip

"""Sealed slots, read from the log by the places that a dispatch names."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.decision import SlotRef
from contracts.sealing import decode_event, unframe
from contracts.topic_names import CASE_EVENTS
from services.runtime.log.port import LogReader
from services.vault.tickets import LoadedSlot


async def load_slots(log: LogReader, places: Sequence[SlotRef]) -> dict[SlotRef, LoadedSlot]:
    """Slots from the log, each event read once; what is not where it was stays out."""
    wanted: dict[tuple[int, int], list[SlotRef]] = {}
    for ref in places:
        wanted.setdefault((ref.partition, ref.offset), []).append(ref)
    found: dict[SlotRef, LoadedSlot] = {}
    for record in await log.read_at(CASE_EVENTS, wanted):
        event = decode_event(unframe(record.value)[1])
        for ref in wanted[record.position.partition, record.position.offset]:
            if ref.event_id == event.header.event_id and (slot := event.slot(ref.slot_id)) is not None:
                found[SlotRef(ref.event_id, ref.slot_id)] = (event.header, slot)
    return found

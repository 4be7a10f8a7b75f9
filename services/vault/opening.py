"""The last step of an opening: key and slot from the log meet. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.decision import SlotRef
from contracts.errors import NotAuthentic
from contracts.sealing import CONTROL, SealedEvent, event_context, open_slot, slot_digest
from services.vault.bundles import PinnedKey
from services.vault.errors import not_granted
from services.vault.tickets import LoadedSlot, Ticket


def open_control(event: SealedEvent, control: PinnedKey) -> bytes:
    """The content of an event's control slot. Raises NotAuthentic: not the event that was admitted."""
    slot = event.slot(control.key.slot_id)
    if slot is None:
        raise not_granted()
    return open_slot(event_context(event.header), slot, control.key)


def slots_of(event_id: UUID, bundle: Sequence[PinnedKey]) -> dict[str, SlotRef]:
    """A bundle's groups and items by label, the control slot left out."""
    return {pin.key.label: SlotRef(event_id, pin.key.slot_id) for pin in bundle if pin.key.label != CONTROL}


def open_pinned(
    ticket: Ticket, pins: Mapping[SlotRef, PinnedKey], slots: Mapping[SlotRef, LoadedSlot]
) -> dict[str, bytes]:
    """Every wanted slot's content by label.

    Raises:
        NotGranted: a key was destroyed, or the log does not give the slot.
        NotAuthentic: ``seal-broken``; not the slot that the sender signed, or granted as another.
    """
    opened = {}
    context, context_of = b"", None
    for label, ref in ticket.wanted.items():
        pin, loaded = pins.get(ref), slots.get(ref)
        if pin is None or loaded is None:
            raise not_granted()
        header, slot = loaded
        if pin.key.label != label or header.event_id != ref.event_id:
            raise _other_slot()
        if not hmac.compare_digest(slot_digest(slot), pin.digest):
            raise _other_slot()
        if header is not context_of:
            context, context_of = event_context(header), header
        opened[label] = open_slot(context, slot, pin.key)
    return opened


def _other_slot() -> NotAuthentic:
    return NotAuthentic(
        "A sealed part is not the one that its sender signed.", code="seal-broken",
        remedy="The log was altered; tell the operator.",
    )

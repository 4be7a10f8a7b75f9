"""Releasing: the keys of granted slots, after a look at grant and gate. Whoever holds the slots opens them.

No slot comes to the vault and no content leaves it: each key goes out with the digest of the slot that the
sender signed and intake verified, and opens nothing else (:func:`services.vault.opening.open_released`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.decision import SlotRef
from contracts.errors import SampanError
from services.vault import store
from services.vault.bundles import PinnedKey, unwrap_bundle
from services.vault.errors import not_granted
from services.vault.key_holder import KeyHolder
from services.vault.opening import other_slot
from services.vault.subject_keys import facts_key
from services.vault.tickets import Ticket, check_granted, check_ticket, open_grant


async def release(
    connection: Any, holder: KeyHolder, tickets: Sequence[Ticket], now: datetime
) -> list[dict[str, PinnedKey] | SampanError]:
    """One result a ticket, in order; see :meth:`services.vault.port.VaultDoor.release_keys`."""
    rows = await store.tickets(connection, {ticket.dispatch_id for ticket in tickets})
    keys: dict[UUID, bytes] = {}
    allowed: list[UUID | SampanError] = []
    for ticket in tickets:
        try:
            allowed.append(_admitted(ticket, rows.get(ticket.dispatch_id), holder, keys, now))
        except SampanError as error:
            allowed.append(error)
    pins = await _pins(connection, tickets, allowed, keys)
    results: list[dict[str, PinnedKey] | SampanError] = []
    for ticket, subject in zip(tickets, allowed, strict=True):
        try:
            results.append(subject if isinstance(subject, SampanError) else _wanted(ticket, pins[subject]))
        except SampanError as error:
            results.append(error)
    return results


def _admitted(
    ticket: Ticket, row: store.GrantRow | None, holder: KeyHolder, keys: dict[UUID, bytes], now: datetime
) -> UUID:
    row = check_ticket(ticket, row, now)
    if row.wrapped_key is None or row.kek_epoch is None:
        raise not_granted()
    key = keys.get(row.subject_id)
    if key is None:
        key = holder.unwrapped(row.subject_id, row.kek_epoch, row.wrapped_key)
        keys[row.subject_id] = key
    check_granted(ticket, open_grant(facts_key(key), ticket.dispatch_id, row.sealed))
    return row.subject_id


async def _pins(
    connection: Any,
    tickets: Sequence[Ticket],
    allowed: Sequence[UUID | SampanError],
    keys: Mapping[UUID, bytes],
) -> dict[UUID, dict[SlotRef, PinnedKey]]:
    """By subject, the keys of all slots of the events that the allowed tickets name."""
    pins: dict[UUID, dict[SlotRef, PinnedKey]] = {s: {} for s in allowed if isinstance(s, UUID)}
    wanted = {
        (subject, ref.event_id)
        for ticket, subject in zip(tickets, allowed, strict=True)
        if isinstance(subject, UUID)
        for ref in ticket.wanted.values()
    }
    if not wanted:
        return pins
    for (subject, event_id), bundle in (await store.bundles(connection, wanted)).items():
        for pin in unwrap_bundle(keys[subject], subject, event_id, bundle):
            pins[subject][SlotRef(event_id, pin.key.slot_id)] = pin
    return pins


def _wanted(ticket: Ticket, pins: Mapping[SlotRef, PinnedKey]) -> dict[str, PinnedKey]:
    released = {}
    for label, ref in ticket.wanted.items():
        pin = pins.get(ref)
        if pin is None:
            raise not_granted()
        if pin.key.label != label:
            raise other_slot()
        released[label] = pin
    return released

"""Open a release: what an agency's own edge does with an order and its keys. Needs no vault and no database."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from uuid import UUID

import msgspec

from contracts.errors import NotAuthentic
from contracts.sealing import open_slot, slot_digest
from contracts.sealing.release import Bound, EdgePrivateKey, ReleasedKey
from contracts.telling import CarriedSlot, Order, Telling
from services.edge.opened import Opened


def open_release(
    private: EdgePrivateKey, bound: Bound, order: bytes, keys: bytes | None
) -> tuple[Telling, Opened]:
    """What to tell, and the groups that go with it.

    Raises:
        NotAuthentic: ``release-broken``; made for another edge, dispatch or recipient. ``seal-broken``; a slot is
            missing, or not the one that its sender signed.
    """
    try:
        read = msgspec.msgpack.decode(private.open_order(order, bound), type=Order)
    except msgspec.DecodeError:
        raise _other_slot() from None
    released = private.open_keys(keys, bound) if keys is not None else ()
    return read.telling, Opened.of(_contents(released, read.slots))


def _contents(released: Sequence[ReleasedKey], carried: Sequence[CarriedSlot]) -> dict[str, bytes]:
    slots: dict[UUID, CarriedSlot] = {one.slot.slot_id: one for one in carried}
    opened = {}
    for one in released:
        found = slots.get(one.key.slot_id)
        if found is None or not hmac.compare_digest(slot_digest(found.slot), one.digest):
            raise _other_slot()
        opened[one.key.label] = open_slot(found.context, found.slot, one.key)
    return opened


def _other_slot() -> NotAuthentic:
    return NotAuthentic(
        "A sealed part is missing, or is not the one that its sender signed.",
        code="seal-broken",
        remedy="The log was altered on its way; tell the operator.",
    )

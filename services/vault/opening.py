"""Where key and slot meet: a submission on its way in, a record in the router, a group at the edge. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from uuid import UUID

from contracts.decision import SlotRef
from contracts.errors import NotAuthentic
from contracts.sealing import (
    CONTROL,
    SealedEvent,
    SealedSubmission,
    VaultPrivateKey,
    check_slot,
    event_context,
    open_manifest,
    open_slot,
    slot_digest,
)
from services.vault.bundles import PinnedKey
from services.vault.errors import not_granted
from services.vault.port import OpenedSubmission
from services.vault.tickets import LoadedSlot


def open_submission(
    submission: SealedSubmission, event: SealedEvent, vault_keys: Mapping[str, VaultPrivateKey]
) -> OpenedSubmission:
    """The control slot's content and the keys of all real slots. The caller has verified the signature.

    Every key is held against its slot's commitment, so that a slot sealed wrongly is refused now, while the
    sender can still do something, and not when somebody needs it.

    Raises:
        NotAuthentic: ``manifest-broken``, ``seal-broken``, ``unknown-vault-key``.
        InvalidInput: ``malformed-seal``, ``unknown-suite``.
    """
    private = vault_keys.get(submission.vault_key_id)
    if private is None:
        raise NotAuthentic(
            "The event was sealed to a key that this instance does not hold.", code="unknown-vault-key",
            field="vault_key_id", remedy="Fetch the instance's description again and seal anew.",
        )  # fmt: skip
    keys = open_manifest(submission, event, private)
    context = event_context(event.header)
    slots = {slot.raw_id: slot for slot in event.slots}
    control = b""
    for key in keys:
        slot = slots[key.slot_id.bytes]
        if key.label == CONTROL:
            control = open_slot(context, slot, key)
        else:
            check_slot(context, slot, key)
    return OpenedSubmission(control, keys)


def open_control(event: SealedEvent, control: PinnedKey) -> bytes:
    """The content of an event's control slot. Raises NotAuthentic: not the event that was admitted."""
    slot = event.slot(control.key.slot_id)
    if slot is None:
        raise not_granted()
    return open_slot(event_context(event.header), slot, control.key)


def slots_of(event_id: UUID, bundle: Sequence[PinnedKey]) -> dict[str, SlotRef]:
    """A bundle's groups and items by label, the control slot left out."""
    return {pin.key.label: SlotRef(event_id, pin.key.slot_id) for pin in bundle if pin.key.label != CONTROL}


def open_released(
    wanted: Mapping[str, SlotRef], released: Mapping[str, PinnedKey], slots: Mapping[SlotRef, LoadedSlot]
) -> dict[str, bytes]:
    """Every wanted slot's content by label.

    Raises:
        NotGranted: no key was released, or the log does not give the slot.
        NotAuthentic: ``seal-broken``; not the slot that the sender signed.
    """
    opened = {}
    context, context_of = b"", None
    for label, ref in wanted.items():
        pin, loaded = released.get(label), slots.get(ref)
        if pin is None or loaded is None:
            raise not_granted()
        header, slot = loaded
        if header.event_id != ref.event_id:
            raise other_slot()
        if not hmac.compare_digest(slot_digest(slot), pin.digest):
            raise other_slot()
        if header is not context_of:
            context, context_of = event_context(header), header
        opened[label] = open_slot(context, slot, pin.key)
    return opened


def other_slot() -> NotAuthentic:
    """A slot moved, altered, or granted as another."""
    return NotAuthentic(
        "A sealed part is not the one that its sender signed.", code="seal-broken",
        remedy="The log was altered; tell the operator.",
    )

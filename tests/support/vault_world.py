"""A vault, whichever form it has, and events that intake would just have verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.decision import SlotRef
from contracts.errors import SampanError
from contracts.sealing import PlainSlot, SealedEvent
from services.edge.opening import open_tickets
from services.vault.keyring import Keyring
from services.vault.port import Admission, Narrowing, VaultDoor
from services.vault.tickets import Grant, LoadedSlot, LoadSlots, Ticket
from services.vault.vault import Vault
from tests.support.sealed import MAI, NOW, World, parts


class VaultWorld(World):
    """A world whose events are admitted to a vault and kept in a log of sealed events alone."""

    def __init__(self, keyring: Keyring, vault: VaultDoor | None = None) -> None:
        super().__init__()
        self.vault_key = keyring.vault_keys[keyring.current_vault_key]
        self.vault = vault or Vault(keyring, self.random)
        self.log: dict[UUID, SealedEvent] = {}
        self.subject, self.embassy = self.id(), self.id()

    async def admit(
        self, connection: Any, subjects: Mapping[UUID | None, UUID] | None = None, content: bytes = b"canary",
        more: Sequence[PlainSlot] = (),
    ) -> SealedEvent:  # fmt: skip
        plain = [*parts(MAI, content), *more]
        if subjects is not None:
            plain = plain[:1] + [part for ref in subjects for part in parts(ref, content)[1:]]
        event, keys = self.opened(self.submission(plain))
        admission = Admission(event=event, keys=keys, subjects=subjects or {MAI: self.subject})
        async with connection.transaction():
            await self.vault.admit(connection, [admission], NOW)
        self.log[event.header.event_id] = event
        return event

    def event_like(self, event: SealedEvent) -> SealedEvent:
        """Another event's parts under this one's header: nobody admitted it."""
        other, _ = self.opened(self.submission(parts(MAI)))
        slots = zip(event.slots, other.slots, strict=True)
        moved = tuple(msgspec.structs.replace(theirs, raw_id=ours.raw_id) for ours, theirs in slots)
        return msgspec.structs.replace(event, slots=moved)

    async def slots(self, connection: Any, event: SealedEvent) -> dict[str, SlotRef]:
        subject = self.subject
        (record,) = await self.vault.open_records(connection, [(event, [subject])])
        assert record is not None
        return dict(record.slots[subject])

    def granting(self, dispatch: UUID, slots: Mapping[str, SlotRef], **changes: Any) -> Grant:
        values: dict[str, Any] = {"gate_version": 0, "expires_at": None} | changes
        return Grant(dispatch_id=dispatch, subject_id=self.subject, recipient=self.embassy, slots=slots, **values)

    async def grant(self, connection: Any, slots: Mapping[str, SlotRef], **changes: Any) -> UUID:
        dispatch = self.id()
        await self.vault.grant(connection, [self.granting(dispatch, slots, **changes)])
        return dispatch

    def ticket(self, dispatch: UUID, wanted: Mapping[str, SlotRef], recipient: UUID | None = None) -> Ticket:
        return Ticket(dispatch_id=dispatch, recipient=recipient or self.embassy, wanted=wanted)

    async def narrow(self, connection: Any, times: int = 1) -> dict[UUID, int]:
        narrowings = [Narrowing(self.id(), self.subject) for _ in range(times)]
        return await self.vault.narrow(connection, narrowings)

    async def load(self, refs: Sequence[SlotRef]) -> dict[SlotRef, LoadedSlot]:
        found = {}
        for ref in refs:
            event = self.log[ref.event_id]
            slot = event.slot(ref.slot_id)
            assert slot is not None
            found[ref] = (event.header, slot)
        return found

    async def open_many(
        self, connection: Any, tickets: Sequence[Ticket], load_slots: LoadSlots | None = None
    ) -> list[dict[str, bytes] | SampanError]:
        return await open_tickets(self.vault, connection, tickets, load_slots or self.load, NOW)

    async def open(
        self, connection: Any, dispatch: UUID, wanted: Mapping[str, SlotRef], *, recipient: UUID | None = None,
        load_slots: LoadSlots | None = None, now: datetime = NOW,
    ) -> dict[str, bytes]:  # fmt: skip
        ticket = self.ticket(dispatch, wanted, recipient)
        async with connection.transaction():
            (result,) = await open_tickets(self.vault, connection, [ticket], load_slots or self.load, now)
        if isinstance(result, SampanError):
            raise result
        return result

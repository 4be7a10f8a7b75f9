"""Opening: from a grant to the groups in clear. Only after the vault has looked at the gate.

The slots come from the log, by the place that the dispatch names; each is compared with the digest
that the vault pinned when it was admitted, so a slot moved from one event to another opens for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.codec import decode
from contracts.decision import Dispatch, SlotRef
from contracts.errors import SampanError
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.roles import Group
from contracts.sealing import decode_event, unframe
from contracts.topic_names import CASE_EVENTS
from services.edge.envelope import slots_of
from services.runtime.log.port import LogReader
from services.vault.bundles import PinnedKey
from services.vault.opening import open_released
from services.vault.port import VaultDoor
from services.vault.tickets import LoadedSlot, LoadSlots, Ticket


@dataclass(frozen=True, slots=True)
class Opened:
    """What a recipient may read. Lives in the edge's memory alone."""

    groups: Mapping[Group, FieldGroup] = field(repr=False)
    items: Mapping[str, str] = field(repr=False)


class Wish(NamedTuple):
    """A recipient's wish to open ``groups`` of its dispatch."""

    dispatch: Dispatch
    recipient: UUID
    groups: frozenset[str]


class Opener:
    """Opens what a dispatch grants.

    Args:
        vault: checks the grant and the gate, holds the keys.
        log: where the sealed slots are.
    """

    def __init__(self, vault: VaultDoor, log: LogReader) -> None:
        self._vault, self._log = vault, log

    async def open(
        self, connection: Any, dispatch: Dispatch, recipient: UUID, groups: frozenset[str], now: datetime
    ) -> Opened:
        """Open ``groups`` (those granted among them) and the granted items, in the caller's transaction.

        Raises:
            NotGranted, GateClosed, StaleTicket: the vault's refusals.
        """
        (result,) = await self.open_many(connection, [Wish(dispatch, recipient, groups)], now)
        if isinstance(result, SampanError):
            raise result
        return result

    async def open_many(
        self, connection: Any, wishes: Sequence[Wish], now: datetime
    ) -> list[Opened | SampanError]:
        """As :meth:`open`, one result a wish, in order."""
        places = {
            SlotRef(ref.event_id, ref.slot_id): ref
            for wish in wishes
            for ref in (*wish.dispatch.groups.values(), *wish.dispatch.items.values())
        }
        results = await open_tickets(
            self._vault, connection, [_ticket(wish) for wish in wishes],
            lambda refs: self._load([places[ref] for ref in refs]), now,
        )  # fmt: skip
        return [_opened(result) for result in results]

    async def _load(self, places: Sequence[SlotRef]) -> dict[SlotRef, LoadedSlot]:
        """Slots from the log, each event read once; what is not where it was stays out."""
        wanted: dict[tuple[int, int], list[SlotRef]] = {}
        for ref in places:
            wanted.setdefault((ref.partition, ref.offset), []).append(ref)
        found: dict[SlotRef, LoadedSlot] = {}
        for record in await self._log.read_at(CASE_EVENTS, wanted):
            event = decode_event(unframe(record.value)[1])
            for ref in wanted[record.position.partition, record.position.offset]:
                if ref.event_id == event.header.event_id and (slot := event.slot(ref.slot_id)) is not None:
                    found[SlotRef(ref.event_id, ref.slot_id)] = (event.header, slot)
        return found


async def open_tickets(
    vault: VaultDoor, connection: Any, tickets: Sequence[Ticket], load_slots: LoadSlots, now: datetime
) -> list[dict[str, bytes] | SampanError]:
    """Keys from the vault, slots from the log: label → encoded group. One result a ticket, in order."""
    released = await vault.release_keys(connection, tickets, now)
    refs = {
        ref: None
        for ticket, keys in zip(tickets, released, strict=True)
        if not isinstance(keys, SampanError)
        for ref in ticket.wanted.values()
    }
    slots = await load_slots(list(refs)) if refs else {}
    return [_open(ticket, keys, slots) for ticket, keys in zip(tickets, released, strict=True)]


def _open(
    ticket: Ticket, keys: Mapping[str, PinnedKey] | SampanError, slots: Mapping[SlotRef, LoadedSlot]
) -> dict[str, bytes] | SampanError:
    if isinstance(keys, SampanError):
        return keys
    try:
        return open_released(ticket.wanted, keys, slots)
    except SampanError as error:
        return error


def _ticket(wish: Wish) -> Ticket:
    wanted = {
        label: ref
        for label, ref in slots_of(wish.dispatch).items()
        if label in wish.groups or label.startswith("item:")
    }
    return Ticket(dispatch_id=wish.dispatch.dispatch_id, recipient=wish.recipient, wanted=wanted)


def _opened(result: Mapping[str, bytes] | SampanError) -> Opened | SampanError:
    if isinstance(result, SampanError):
        return result
    try:
        return Opened(
            groups={Group(label): decode(GROUP_MODELS[Group(label)], data)
                    for label, data in result.items() if not label.startswith("item:")},
            items={label.removeprefix("item:"): data.decode()
                   for label, data in result.items() if label.startswith("item:")},
        )  # fmt: skip
    except SampanError as error:
        return error

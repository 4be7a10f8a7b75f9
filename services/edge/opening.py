"""Opening: from a grant to the groups in clear. Only after the vault has looked at the gate.

The slots come from the log, by the place that the dispatch names; each is compared with the digest
that the vault pinned when it was admitted, so a slot moved from one event to another opens for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contracts.decision import Dispatch, SlotRef
from contracts.errors import SampanError
from services.edge.envelope import slots_of
from services.edge.opened import Opened
from services.edge.slots import load_slots
from services.runtime.log.port import LogReader
from services.vault.bundles import PinnedKey
from services.vault.opening import open_released
from services.vault.port import VaultDoor
from services.vault.tickets import LoadedSlot, LoadSlots, Ticket


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
            self._vault, connection, [ticket_of(wish) for wish in wishes],
            lambda refs: load_slots(self._log, [places[ref] for ref in refs]), now,
        )  # fmt: skip
        return [_opened(result) for result in results]


async def open_tickets(
    vault: VaultDoor, connection: Any, tickets: Sequence[Ticket], load: LoadSlots, now: datetime
) -> list[dict[str, bytes] | SampanError]:
    """Keys from the vault, slots from the log: label → encoded group. One result a ticket, in order."""
    released = await vault.release_keys(connection, tickets, now)
    refs = {
        ref: None
        for ticket, keys in zip(tickets, released, strict=True)
        if not isinstance(keys, SampanError)
        for ref in ticket.wanted.values()
    }
    slots = await load(list(refs)) if refs else {}
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


def ticket_of(wish: Wish) -> Ticket:
    """The vault's ticket of a wish: the wanted groups that are granted, and the granted items."""
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
        return Opened.of(result)
    except SampanError as error:
        return error

"""Release a ticket to an agency's own edge: what the hub does instead of opening.

The claim's transaction records the opening, as where the hub performs; what leaves is sealed to the edge's key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from adapters.exchange import Verdict
from contracts.decision import Dispatch, SlotRef
from contracts.errors import SampanError
from contracts.sealing import event_context
from contracts.sealing.release import Bound, EdgePublicKey
from contracts.telling import CarriedSlot, Order
from services.edge.opening import Wish, ticket_of
from services.edge.slots import load_slots
from services.edge.tell import Teller, Ticket
from services.runtime.log.port import LogReader
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class Release:
    """One attempt's order and keys, both sealed to the edge. ``keys`` is None where no group goes with it."""

    order: bytes = field(repr=False)
    keys: bytes | None = field(repr=False)

    @property
    def opened(self) -> bool:
        """Whether the recipient's side can open something with it: counts as an opening."""
        return self.keys is not None


class Releaser:
    """Seals what is told, and the keys of what is granted, to edges."""

    def __init__(self, vault: VaultDoor, log: LogReader, teller: Teller) -> None:
        self._vault, self._log, self._teller = vault, log, teller

    async def prepare(
        self, connection: Any, ticket: Ticket, now: datetime, edge: EdgePublicKey
    ) -> Release | Verdict:
        """What the edge needs for one attempt; a verdict where there is nothing to send.

        Raises:
            StaleTicket: the router must decide again first.
            GateClosed, NotGranted: this may no longer be told.
        """
        said = await self._teller.said(connection, ticket, now)
        if isinstance(said, Verdict):
            return said
        bound = Bound(ticket.alias, ticket.recipient)
        if said.dispatch is None:
            return Release(edge.seal_order(msgspec.msgpack.encode(Order(said.telling)), bound), None)
        wish = Wish(said.dispatch, ticket.recipient, frozenset(said.dispatch.groups))
        (keys,) = await self._vault.release_to_edge(connection, [ticket_of(wish)], edge, now)
        if isinstance(keys, SampanError):
            raise keys
        order = Order(said.telling, await self._slots(said.dispatch))
        return Release(edge.seal_order(msgspec.msgpack.encode(order), bound), keys)

    async def _slots(self, dispatch: Dispatch) -> tuple[CarriedSlot, ...]:
        """As they stand in the log; one that is missing there fails at the edge, which names it."""
        places: list[SlotRef] = [*dispatch.groups.values(), *dispatch.items.values()]
        found = await load_slots(self._log, places)
        return tuple(CarriedSlot(event_context(header), slot) for header, slot in found.values())

"""Opening: from a grant to the groups in clear. Only after the vault has looked at the gate.

The slots come from the log, by the place that the dispatch names; the vault compares each with the digest that
the sender's signature covered, so a slot moved from one event to another opens for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.codec import decode
from contracts.decision import Dispatch, SlotRef
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.roles import Group
from contracts.sealing import decode_event, unframe
from contracts.topic_names import CASE_EVENTS
from services.edge.envelope import slots_of
from services.runtime.log.port import LogReader
from services.vault.tickets import LoadedSlot
from services.vault.vault import Vault


@dataclass(frozen=True, slots=True)
class Opened:
    """What a recipient may read. Lives in the edge's memory alone."""

    groups: Mapping[Group, FieldGroup] = field(repr=False)
    items: Mapping[str, str] = field(repr=False)


class Opener:
    """Opens what a dispatch grants.

    Args:
        vault: checks the grant and the gate, holds the keys.
        log: where the sealed slots are.
    """

    def __init__(self, vault: Vault, log: LogReader) -> None:
        self._vault, self._log = vault, log

    async def open(
        self, connection: Any, dispatch: Dispatch, recipient: UUID, groups: frozenset[str], now: datetime
    ) -> Opened:
        """Open ``groups`` (those granted among them) and the granted items, in the caller's transaction.

        Raises:
            NotGranted, GateClosed, StaleTicket: the vault's refusals.
        """
        wanted = {
            label: ref
            for label, ref in slots_of(dispatch).items()
            if label in groups or label.startswith("item:")
        }
        places = {
            SlotRef(r.event_id, r.slot_id): r for r in (*dispatch.groups.values(), *dispatch.items.values())
        }
        opened = await self._vault.open(
            connection, dispatch_id=dispatch.dispatch_id, recipient=recipient, wanted=wanted,
            load_slots=lambda refs: self._load([places[ref] for ref in refs]), now=now,
        )  # fmt: skip
        return Opened(
            groups={Group(label): decode(GROUP_MODELS[Group(label)], data)
                    for label, data in opened.items() if not label.startswith("item:")},
            items={label.removeprefix("item:"): data.decode()
                   for label, data in opened.items() if label.startswith("item:")},
        )  # fmt: skip

    async def _load(self, places: Sequence[SlotRef]) -> dict[SlotRef, LoadedSlot]:
        """Slots from the log, each event read once; what is not where it was stays out."""
        found: dict[SlotRef, LoadedSlot] = {}
        for partition, offset in dict.fromkeys((ref.partition, ref.offset) for ref in places):
            records = await self._log.read(CASE_EVENTS, partition, offset - 1, 1)
            if not records or records[0].position.offset != offset:
                continue
            event = decode_event(unframe(records[0].value)[1])
            for ref in places:
                if ref.event_id == event.header.event_id and (slot := event.slot(ref.slot_id)) is not None:
                    found[SlotRef(ref.event_id, ref.slot_id)] = (event.header, slot)
        return found

"""Grants: which slots a dispatch may open. The list is sealed; the row beside it tells who and until when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from contracts.decision import SlotRef
from contracts.ids import Random, uuid_of
from contracts.sealing import LABELS, Header, SealedSlot
from contracts.sealing.wire import Reader
from services.vault.errors import closed, expired, not_granted, stale
from services.vault.store import GrantRow
from services.vault.subject_keys import open_facts, seal_facts

_AT_LEAST: Final = 1024 - 4  # 15 labels exist: every grant has one size


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision lets one dispatch open. ``slots``: label (``F1``, ``item:age_group``) → slot."""

    dispatch_id: UUID
    subject_id: UUID
    recipient: UUID  # agency id
    slots: Mapping[str, SlotRef]
    gate_version: int  # how many narrowings of the subject the decision had seen
    expires_at: datetime | None = None


class Regranted(msgspec.Struct, frozen=True, kw_only=True):
    """What an earlier dispatch may still open. ``recalled``: nothing, for good."""

    dispatch_id: UUID
    labels: tuple[str, ...]
    recalled: bool = False
    gate_version: int


def together(changes: Iterable[Regranted]) -> list[Regranted]:
    """One change a dispatch: of several, what all of them leave. One statement writes them all, each row once."""
    found: dict[UUID, Regranted] = {}
    for change in changes:
        earlier = found.get(change.dispatch_id)
        found[change.dispatch_id] = change if earlier is None else Regranted(
            dispatch_id=change.dispatch_id,
            labels=tuple(label for label in earlier.labels if label in change.labels),
            recalled=earlier.recalled or change.recalled,
            gate_version=max(earlier.gate_version, change.gate_version),
        )  # fmt: skip
    return list(found.values())


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A wish to open: by whom, under which dispatch, which slots."""

    dispatch_id: UUID
    recipient: UUID
    wanted: Mapping[str, SlotRef]


LoadedSlot = tuple[Header, SealedSlot]
LoadSlots = Callable[[Sequence[SlotRef]], Awaitable[Mapping[SlotRef, LoadedSlot]]]
"""Reads slots from the log. What is missing from the answer counts as not granted."""


def seal_grant(facts_key: bytes, dispatch_id: UUID, slots: Mapping[str, SlotRef], random: Random) -> bytes:
    """The list of granted slots, of one size whatever it holds."""
    content = bytes([len(slots)]) + b"".join(
        bytes([LABELS.index(label)]) + ref.event_id.bytes + ref.slot_id.bytes for label, ref in slots.items()
    )
    return seal_facts(facts_key, content.ljust(_AT_LEAST, b"\0"), b"grant" + dispatch_id.bytes, random)


def open_grant(facts_key: bytes, dispatch_id: UUID, sealed: bytes) -> dict[str, SlotRef]:
    """Raises NotAuthentic: ``key-broken``."""
    reader = Reader(open_facts(facts_key, sealed, b"grant" + dispatch_id.bytes))
    slots = {}
    for _ in range(reader.fixed(1)[0]):
        label = LABELS[reader.fixed(1)[0]]
        slots[label] = SlotRef(uuid_of(reader.fixed(16)), uuid_of(reader.fixed(16)))
    return slots


def check_ticket(ticket: Ticket, row: GrantRow | None, now: datetime) -> GrantRow:
    """Everything about a ticket that needs no key.

    Raises:
        NotGranted: unknown dispatch, or another recipient's.
        GateClosed: closed, erased, revoked, or expired.
        StaleTicket: something was narrowed since.
    """
    if row is None or row.recipient != ticket.recipient:
        raise not_granted()
    if row.closed or row.revoked or row.wrapped_key is None:
        raise closed()
    if row.expires_at is not None and row.expires_at <= now:
        raise expired()
    if row.gate_version < row.version:
        raise stale()
    return row


def check_granted(ticket: Ticket, granted: Mapping[str, SlotRef]) -> None:
    """Raises NotGranted: a wanted slot is not on the list."""
    if any(granted.get(label) != ref for label, ref in ticket.wanted.items()):
        raise not_granted()

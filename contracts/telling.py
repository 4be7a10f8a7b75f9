"""What is told to a recipient beside the groups, in the recipient's own names; and the order to tell it.

Rendered at the hub where the hub performs, or sealed to an agency's own edge, which renders it there.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import msgspec

from contracts.sealing.event import SealedSlot


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """One dispatch, or its recall, without a group. Every id is the recipient's alias.

    ``recall``: takes the dispatch back. ``consented``: it rests on her consent, until ``until`` where she said so.
    """

    dispatch: UUID
    case: UUID
    subject: UUID
    case_code: str
    event: str
    purpose: str
    basis: str
    priority: str
    from_agency: str
    dated: datetime
    receipt: str = ""
    recall: bool = False
    consented: bool = False
    until: date | None = None
    notes: tuple[tuple[str, str | None], ...] = ()  # code, person


class CarriedSlot(msgspec.Struct, frozen=True):
    """A slot as it stands in the log, with the context of its event that its seal is bound to."""

    context: bytes
    slot: SealedSlot


class Order(msgspec.Struct, frozen=True):
    """What an edge gets for one attempt beside the keys; travels sealed to the edge's key."""

    telling: Telling
    slots: tuple[CarriedSlot, ...] = ()

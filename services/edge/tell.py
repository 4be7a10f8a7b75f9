"""What is to be told of a ticket, before anything is opened: the envelope in the recipient's own names.

It needs the subject's facts key and the instance's names, so it is made at the hub, whoever opens and sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.exchange import Verdict
from contracts.decision import Dispatch
from contracts.roles import Basis, Priority, Purpose
from contracts.telling import Telling
from routing.directory import Directory
from services.edge.envelope import open_envelope, open_regrant
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to tell one recipient over one channel, or to take back what was told. Sealed as delivery has it."""

    dispatch_id: UUID
    subject_id: UUID
    case_id: UUID
    recipient: UUID
    alias: UUID
    cursor: int
    channel: str
    recall: bool
    sealed: bytes = field(repr=False)
    narrowed: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Said:
    """What is told, and the dispatch whose groups go with it; None where nothing is opened."""

    telling: Telling = field(repr=False)
    dispatch: Dispatch | None = field(repr=False)


class Teller:
    """Names things as recipients know them."""

    def __init__(self, vault: VaultDoor, directory: Directory) -> None:
        self._vault, self._directory = vault, directory

    async def said(self, connection: Any, ticket: Ticket, now: datetime) -> Said | Verdict:
        """What is to be told; a verdict where there is nothing to send."""
        keys = await self._vault.facts_keys(connection, [ticket.subject_id])
        key = keys.get(ticket.subject_id)
        if ticket.recall:
            return Said(self._recalled(ticket, self._why(ticket, key), now), None)
        if key is None:
            return Verdict("refused", "erased")
        dispatch = open_envelope(key, ticket.dispatch_id, ticket.sealed, ticket.narrowed)
        if not dispatch.groups and dispatch.purpose == Purpose.FEEDBACK:
            # Word of a case (accepted, taken back, late) is no referral: it would open a case where none stands.
            return Verdict("delivered", "feed-says-it")
        return Said(self._told(ticket, dispatch), dispatch)

    def _told(self, ticket: Ticket, dispatch: Dispatch) -> Telling:
        alias = self._vault.alias
        return Telling(
            dispatch=ticket.alias,
            case=alias("case", ticket.case_id, ticket.recipient),
            subject=alias("subject", ticket.subject_id, ticket.recipient),
            case_code=self._vault.case_code(ticket.case_id, ticket.recipient),
            event=dispatch.event,
            purpose=dispatch.purpose,
            basis=dispatch.basis,
            priority=dispatch.priority,
            from_agency=self._directory.by_slug(dispatch.emitter).name if dispatch.emitter else "Sampan",
            dated=dispatch.dated,
            receipt=str(alias("receipt", dispatch.event_id, ticket.recipient)),
            consented=bool(dispatch.consents),
            until=dispatch.expires_at.date() if dispatch.expires_at else None,
            notes=tuple((note.code, note.person) for note in dispatch.notes),
        )

    def _why(self, ticket: Ticket, key: bytes | None) -> str:
        """Which event took it back. Of an erased person nothing says: then her consent has ended too."""
        if key is None:
            return "ConsentWithdrawn"
        if ticket.narrowed is None:
            return "MessageRecalled"
        return open_regrant(key, ticket.dispatch_id, ticket.narrowed).event

    def _recalled(self, ticket: Ticket, event: str, now: datetime) -> Telling:
        """What takes a referral back: aliases alone, no group is opened for it."""
        return Telling(
            dispatch=ticket.alias,
            case=self._vault.alias("case", ticket.case_id, ticket.recipient),
            subject=self._vault.alias("subject", ticket.subject_id, ticket.recipient),
            case_code=self._vault.case_code(ticket.case_id, ticket.recipient),
            event=event,
            purpose=Purpose.FEEDBACK,
            basis=Basis.CONSENT,
            priority=Priority.URGENT,
            from_agency="Sampan",
            dated=now,
            recall=True,
        )

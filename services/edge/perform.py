"""Perform a ticket: open, translate, send. What runs for an agency whose system is reached by our calls.

prepare (in the claim's transaction: the opening is recorded before anything leaves)  →  Exchange
converse (outside any transaction)                                                    →  Verdict
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.channels.http import Channel, converse
from adapters.exchange import Exchange, Verdict
from adapters.model import ConsentSummary, DispatchNote, RenderInput
from adapters.primero import outbound as primero
from adapters.primero.codes import Lookups
from adapters.webhook import outbound as webhook
from contracts.decision import Dispatch
from contracts.roles import Basis, Priority, Purpose
from routing.directory import Directory
from services.edge.envelope import open_envelope, open_regrant
from services.edge.opening import Opened, Opener
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class PrimeroTarget:
    """An agency's Primero: how to reach it, and its code lists."""

    channel: Channel
    lookups: Lookups


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """An agency's webhook: how to reach it, and the keys that sign to it."""

    channel: Channel
    path: str
    signers: tuple[webhook.Sign, ...] = field(repr=False)


Target = PrimeroTarget | WebhookTarget
Targets = Mapping[tuple[str, str], Target]
"""(agency slug, channel name) → where to send. Configuration of a deployment, never part of the directory."""


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
class Ready:
    """An exchange that is ready to run, and whether anything was opened for it."""

    exchange: Exchange | Verdict
    channel: Channel | None
    opened: bool


class Performer:
    """Opens and sends for agencies.

    Args:
        opener: opens groups after the vault has looked at the gate.
        targets: where agencies' systems are.
    """

    def __init__(self, opener: Opener, vault: VaultDoor, directory: Directory, targets: Targets) -> None:
        self._opener, self._vault = opener, vault
        self._directory, self._targets = directory, targets
        self._prepare: Mapping[type[Target], Callable[..., Any]] = {
            PrimeroTarget: self._primero,
            WebhookTarget: self._webhook,
        }

    def channels_of(self, recipient: UUID) -> tuple[str, ...]:
        """The channels of a recipient that a target stands for, in the directory's order."""
        agency = self._directory.by_id(recipient)
        return tuple(name for name in agency.channels if (agency.slug, name) in self._targets)

    async def prepare(self, connection: Any, ticket: Ticket, now: datetime) -> Ready:
        """Open what the ticket grants and render it, in the caller's transaction.

        Raises:
            StaleTicket: the router must decide again first.
            GateClosed, NotGranted: this may no longer be told.
            InvalidInput: the recipient's system has no code for something; names the field.
        """
        slug = self._directory.by_id(ticket.recipient).slug
        target = self._targets.get((slug, ticket.channel))
        if target is None:
            return Ready(Verdict("later", "channel-not-configured"), None, opened=False)
        ready: Ready = await self._prepare[type(target)](connection, ticket, target, now)
        return ready

    async def _webhook(self, connection: Any, ticket: Ticket, target: WebhookTarget, now: datetime) -> Ready:
        """A thin notice: nothing is opened. A recall needs none: the feed says it."""
        if ticket.recall:
            return Ready(Verdict("delivered", "feed-says-it"), None, opened=False)
        exchange = webhook.render(
            ticket.alias,
            ticket.cursor,
            path=target.path,
            timestamp=int(now.timestamp()),
            signers=target.signers,
        )
        return Ready(exchange, target.channel, opened=False)

    async def _primero(self, connection: Any, ticket: Ticket, target: PrimeroTarget, now: datetime) -> Ready:
        keys = await self._vault.facts_keys(connection, [ticket.subject_id])
        if ticket.subject_id not in keys and not ticket.recall:
            return Ready(Verdict("refused", "erased"), None, opened=False)
        if ticket.recall:
            recalled = self._recalled(ticket, self._why(ticket, keys.get(ticket.subject_id)), now)
            return Ready(primero.render(recalled, "", target.lookups), target.channel, opened=False)
        dispatch = open_envelope(keys[ticket.subject_id], ticket.dispatch_id, ticket.sealed, ticket.narrowed)
        groups = frozenset(dispatch.groups)
        if not groups and dispatch.purpose == Purpose.FEEDBACK:
            # Word of a case (accepted, taken back, late) is no referral: it would open a case where none stands.
            return Ready(Verdict("delivered", "feed-says-it"), None, opened=False)
        opened = await self._opener.open(connection, dispatch, ticket.recipient, groups, now)
        receipt = str(self._vault.alias("receipt", dispatch.event_id, ticket.recipient))
        exchange = primero.render(self._render_input(ticket, dispatch, opened), receipt, target.lookups)
        return Ready(exchange, target.channel, opened=True)

    def _render_input(self, ticket: Ticket, dispatch: Dispatch, opened: Opened) -> RenderInput:
        alias = self._vault.alias
        sender = self._directory.by_slug(dispatch.emitter).name if dispatch.emitter else "Sampan"
        until = dispatch.expires_at.date() if dispatch.expires_at else None
        return RenderInput(
            dispatch=ticket.alias,
            case=alias("case", ticket.case_id, ticket.recipient),
            subject=alias("subject", ticket.subject_id, ticket.recipient),
            case_code=self._vault.case_code(ticket.case_id, ticket.recipient),
            event=dispatch.event,
            purpose=Purpose(dispatch.purpose),
            basis=Basis(dispatch.basis),
            priority=Priority(dispatch.priority),
            from_agency=sender,
            dated=dispatch.dated,
            groups=opened.groups,
            items=opened.items,
            notes=tuple(DispatchNote(note.code, note.person) for note in dispatch.notes),
            consent=ConsentSummary((Purpose(dispatch.purpose),), until) if dispatch.consents else None,
        )

    def _why(self, ticket: Ticket, key: bytes | None) -> str:
        """Which event took it back. Of an erased person nothing says: then her consent has ended too."""
        if key is None:
            return "ConsentWithdrawn"
        if ticket.narrowed is None:
            return "MessageRecalled"
        return open_regrant(key, ticket.dispatch_id, ticket.narrowed).event

    def _recalled(self, ticket: Ticket, event: str, now: datetime) -> RenderInput:
        """What takes a referral back: aliases alone, no group is opened for it."""
        return RenderInput(
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
            recalls=ticket.alias,
        )


async def perform(ready: Ready) -> Verdict:
    """Run what was prepared; ends with a verdict, whatever the other side does."""
    if isinstance(ready.exchange, Verdict):
        return ready.exchange
    assert ready.channel is not None
    return await converse(ready.exchange, ready.channel)

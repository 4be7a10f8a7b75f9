"""Perform a ticket: open, translate, send. What runs for an agency whose system is reached by our calls.

prepare (in the claim's transaction: the opening is recorded before anything leaves)  →  Exchange
converse (outside any transaction)                                                    →  Verdict

An agency that runs an edge of its own is served by :mod:`services.edge.release` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.channels.http import Channel, converse
from adapters.exchange import Exchange, Verdict
from adapters.webhook import outbound as webhook
from routing.directory import Directory
from services.edge.opened import Opened
from services.edge.opening import Opener
from services.edge.render import rendered
from services.edge.targets import OPENING, PrimeroTarget, Target, Targets, WebhookTarget
from services.edge.tell import Teller, Ticket
from services.vault.port import VaultDoor


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
        self._opener, self._teller = opener, Teller(vault, directory)
        self._directory, self._targets = directory, targets
        self._prepare: Mapping[type[Target], Callable[..., Any]] = {
            PrimeroTarget: self._primero,
            WebhookTarget: self._webhook,
        }

    def channels_of(self, recipient: UUID, own_edge: bool) -> tuple[str, ...]:
        """The channels of a recipient over which it can be told, in the directory's order.

        Args:
            own_edge: the agency's own edge performs those that tell groups, and knows the target itself.
        """
        agency = self._directory.by_id(recipient)
        return tuple(
            name for name in agency.channels
            if (agency.slug, name) in self._targets or (own_edge and name in OPENING)
        )  # fmt: skip

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
        said = await self._teller.said(connection, ticket, now)
        if isinstance(said, Verdict):
            return Ready(said, None, opened=False)
        if said.dispatch is None:
            return Ready(rendered(said.telling, Opened(), target), target.channel, opened=False)
        groups = frozenset(said.dispatch.groups)
        opened = await self._opener.open(connection, said.dispatch, ticket.recipient, groups, now)
        return Ready(rendered(said.telling, opened, target), target.channel, opened=True)


async def perform(ready: Ready) -> Verdict:
    """Run what was prepared; ends with a verdict, whatever the other side does."""
    if isinstance(ready.exchange, Verdict):
        return ready.exchange
    assert ready.channel is not None
    return await converse(ready.exchange, ready.channel)

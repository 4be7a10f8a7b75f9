"""Where agencies' own systems are, as whoever performs knows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from adapters.channels.http import Channel
from adapters.primero.codes import Lookups
from adapters.webhook import outbound as webhook


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

OPENING: Final = ("primero",)
"""Channels over which groups are told. The others say where to look and open nothing."""

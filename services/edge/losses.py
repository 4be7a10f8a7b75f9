"""What a recipient's own system cannot hold, told to the sender at submit time."""

from __future__ import annotations

from typing import Any

from adapters.model import Loss, LossKind
from adapters.primero.losses import LOSSES as PRIMERO

_BY_CHANNEL: dict[str, tuple[Loss, ...]] = {"primero": PRIMERO}


def losses_of(channels: tuple[str, ...]) -> dict[str, Any]:
    """The losses of the first of an agency's channels that translates; none for the inbox, which shows all.

    Returns:
        ``{"format", "losses": [{"field", "loss", "where", "why"}]}``, exact fields left out.
    """
    format_ = next((name for name in channels if name in _BY_CHANNEL), "inbox")
    return {
        "format": format_,
        "losses": [
            {"field": loss.field, "loss": str(loss.kind), "where": loss.where, "why": loss.why}
            for loss in _BY_CHANNEL.get(format_, ())
            if loss.kind is not LossKind.EXACT
        ],
    }

"""Keys for an agency's own edge: they leave the vault sealed to that edge, and in no other form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.errors import SampanError
from contracts.sealing.release import Bound, EdgePublicKey, ReleasedKey
from services.vault.bundles import PinnedKey
from services.vault.port import Names
from services.vault.tickets import Ticket


def sealed_to(
    edge: EdgePublicKey, names: Names, tickets: Sequence[Ticket],
    released: Sequence[Mapping[str, PinnedKey] | SampanError],
) -> list[bytes | SampanError]:  # fmt: skip
    """Each ticket's keys sealed to ``edge``, bound to the dispatch by the name that its recipient has for it."""
    return [
        keys if isinstance(keys, SampanError)
        else edge.seal_keys(
            [ReleasedKey(pin.key, pin.digest) for pin in keys.values()],
            Bound(names.alias("dispatch", ticket.dispatch_id, ticket.recipient), ticket.recipient),
        )
        for ticket, keys in zip(tickets, released, strict=True)
    ]  # fmt: skip

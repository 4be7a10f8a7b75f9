"""F0: what every recipient of a dispatch sees. Opened under the subject's facts key, narrowed by what came later."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec

from contracts.decision import Dispatch, Regrant, SlotRef
from services.vault.subject_keys import open_facts

DISPATCH: Final = b"router/dispatch"
REGRANT: Final = b"router/regrant"


def slots_of(dispatch: Dispatch) -> dict[str, SlotRef]:
    """The granted slots by the vault's labels, without their place in the log."""
    labelled = dispatch.groups | {f"item:{item}": ref for item, ref in dispatch.items.items()}
    return {label: SlotRef(ref.event_id, ref.slot_id) for label, ref in labelled.items()}


def open_envelope(key: bytes, dispatch_id: UUID, sealed: bytes, narrowed: bytes | None) -> Dispatch:
    """A dispatch as it stands today.

    Args:
        key: the subject's facts key.
        sealed: the dispatch as the router made it.
        narrowed: the newest regrant, if something was taken away since.

    Raises:
        NotAuthentic: altered, or another subject's.
    """
    made = msgspec.msgpack.decode(open_facts(key, sealed, DISPATCH + dispatch_id.bytes), type=Dispatch)
    if narrowed is None:
        return made
    left = open_regrant(key, dispatch_id, narrowed)
    return msgspec.structs.replace(
        made,
        groups={group: ref for group, ref in made.groups.items() if group in left.groups},
        items={item: ref for item, ref in made.items.items() if item in left.items},
    )


def open_regrant(key: bytes, dispatch_id: UUID, narrowed: bytes) -> Regrant:
    """What a narrowing left of a dispatch, and what it was.

    Raises:
        NotAuthentic: altered, or another subject's.
    """
    return msgspec.msgpack.decode(open_facts(key, narrowed, REGRANT + dispatch_id.bytes), type=Regrant)

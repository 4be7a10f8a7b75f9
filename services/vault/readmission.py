"""Admission that may come again: for a vault that has committed before intake, which then failed.

The second time the event may name other persons (intake had minted an id, or learnt of a baby meanwhile), and both
times may run at once in two intakes, of which either may win. So every set of persons gets shares of the control key
of its own, marked as belonging together, in one bundle a person: whichever set enters the log can be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from contracts.ids import Random
from contracts.sealing import CONTROL
from services.vault import store
from services.vault.bundles import PinnedKey, bundles_of, mark_of, unwrap_bundle, wrap_bundle
from services.vault.errors import erased, other_content
from services.vault.key_holder import KeyHolder
from services.vault.port import Admission

_SETS_MAX: Final = 8
"""Of how many tries a person's shares are kept; the newest. One try at a time is the rule."""

Bundle = tuple[PinnedKey, ...]
Place = tuple[UUID, UUID]  # subject, event


async def admit(
    connection: Any, holder: KeyHolder, random: Random, admissions: Sequence[Admission], now: datetime
) -> None:
    """As :meth:`services.vault.port.VaultDoor.admit`, in the vault's own transaction.

    Raises:
        InvalidInput: ``part-of-nobody``.
        GateClosed: ``erased``.
        Conflict: ``id-used``; an event of that id was admitted with other content.
    """
    everybody = {subject_id for one in admissions for subject_id in one.subjects.values()}
    await store.lock_events(connection, [one.event.header.event_id for one in admissions])
    keys = await holder.ensured(connection, everybody, now)
    made: dict[Place, Bundle] = {}
    for one in admissions:
        event_id, mark = one.event.header.event_id, mark_of(one.subjects.values())
        for subject_id, bundle in bundles_of(one.event, one.keys, one.subjects, random, mark).items():
            made[subject_id, event_id] = bundle
    known = await _known(connection, keys, made)
    merged = {place: _merged(known[place], made[place]) for place in known}
    await _insert(connection, keys, {place: made[place] for place in made if place not in known}, random)
    changed = {place: bundle for place, bundle in merged.items() if bundle != known[place]}
    if changed:
        await store.replace_bundles(connection, _wrapped(keys, changed, random))


async def _known(
    connection: Any, keys: Mapping[UUID, bytes], made: Mapping[Place, Bundle]
) -> dict[Place, Bundle]:
    found = await store.bundles(connection, made)
    return {(s, e): unwrap_bundle(keys[s], s, e, wrapped) for (s, e), wrapped in found.items()}


async def _insert(
    connection: Any, keys: Mapping[UUID, bytes], bundles: Mapping[Place, Bundle], random: Random
) -> None:
    if bundles and not await store.insert_bundles(connection, _wrapped(keys, bundles, random)):
        raise erased()


def _wrapped(
    keys: Mapping[UUID, bytes], bundles: Mapping[Place, Bundle], random: Random
) -> list[tuple[UUID, UUID, bytes]]:
    return [(s, e, wrap_bundle(keys[s], s, e, bundle, random)) for (s, e), bundle in bundles.items()]


def _merged(known: Bundle, made: Bundle) -> Bundle:
    """What is known, with the shares of a set of persons that is new. No key of a group is added or replaced."""
    shares = [pin for pin in known if pin.key.label == CONTROL]
    groups = {pin for pin in known if pin.key.label != CONTROL}
    new = next((pin for pin in made if pin.key.label == CONTROL), None)
    digests = {pin.digest for pin in shares}
    if not groups <= set(made) or new is None or not digests <= {new.digest}:
        raise other_content()
    if new.key.subject_ref in {pin.key.subject_ref for pin in shares}:
        return known
    kept = tuple(pin for pin in known if pin.key.label != CONTROL)
    return (*shares[-(_SETS_MAX - 1) :], new, *kept)

"""What the vault wraps is bound to whom and what it was wrapped for."""

from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import NotAuthentic
from contracts.sealing import slot_digest
from services.vault.bundles import PinnedKey, unwrap_bundle, wrap_bundle
from services.vault.subject_keys import (
    bundle_key,
    facts_key,
    open_facts,
    seal_facts,
    unwrap_subject_key,
    wrap_subject_key,
)
from tests.support.sealed import DAO, MAI, World, parts

RANDOM = random.Random(5).randbytes
KEY = RANDOM(32)


def test_a_subject_key_serves_its_subject_and_epoch_alone() -> None:
    """Moved to another subject, read under another epoch, or altered: it does not open."""
    kek = AESGCM(RANDOM(32))
    wrapped = wrap_subject_key(kek, 1, MAI, KEY, RANDOM)
    assert unwrap_subject_key(kek, 1, MAI, wrapped) == KEY
    for epoch, subject, data in ((1, DAO, wrapped), (2, MAI, wrapped), (1, MAI, wrapped[:-1]), (1, MAI, b"")):
        with pytest.raises(NotAuthentic):
            unwrap_subject_key(kek, epoch, subject, data)


def test_a_bundle_serves_its_subject_and_event_alone() -> None:
    """The same key, another event or another subject: it does not open. One key or eight: one size."""
    world = World()
    event, keys = world.opened(world.submission(parts()))
    event_id = event.header.event_id
    bundle = tuple(PinnedKey(key, slot_digest(event.slots[0])) for key in keys)
    wrapped = wrap_bundle(KEY, MAI, event_id, bundle, RANDOM)
    assert unwrap_bundle(KEY, MAI, event_id, wrapped) == bundle
    for subject, other in ((DAO, event_id), (MAI, world.id())):
        with pytest.raises(NotAuthentic):
            unwrap_bundle(KEY, subject, other, wrapped)
    sizes = {len(wrap_bundle(KEY, MAI, event_id, bundle * times, RANDOM)) for times in (0, 1, 2)}
    assert sizes == {len(wrapped)}


def test_the_facts_key_gives_no_bundle_away() -> None:
    """Uses are apart: facts and bundles have different keys, and neither is the subject's."""
    assert len({KEY, facts_key(KEY), bundle_key(KEY)}) == 3
    event_id = World().id()
    wrapped = wrap_bundle(KEY, MAI, event_id, (), RANDOM)
    with pytest.raises(NotAuthentic):
        open_facts(facts_key(KEY), wrapped, b"bundle" + MAI.bytes + event_id.bytes)


def test_facts_are_padded_and_bound_to_their_place() -> None:
    """Any length comes back; sizes are classes; another place's context does not open."""
    sizes = set()
    for length in (0, 1, 252, 253, 1020, 2000, 4000, 8188, 8189, 16380, 16381, 40000):
        content = RANDOM(length)
        sealed = seal_facts(KEY, content, b"state", RANDOM)
        assert open_facts(KEY, sealed, b"state") == content
        with pytest.raises(NotAuthentic):
            open_facts(KEY, sealed, b"receipt")
        sizes.add(len(sealed) - 28)
    assert sizes == {256, 1024, 2048, 4096, 8192, 16384, 2 * 16384, 3 * 16384}

"""The committed vectors are what the code makes: another client that meets them seals as we do."""

from __future__ import annotations

import json

from contracts.sealing import (
    CONTROL,
    VaultPrivateKey,
    decode_event,
    decode_submission,
    event_context,
    open_manifest,
    open_slot,
    verify,
)
from tests.support.vectors import PARTS, PATH, VAULT_SEED, deterministic

VECTORS = json.loads(PATH.read_text(encoding="utf-8"))


def test_the_same_randomness_gives_the_same_bytes() -> None:
    """Header, slots, signature, aliases, ids and codes: byte for byte as committed."""
    assert VECTORS["deterministic"] == deterministic()


def test_the_committed_event_verifies_and_opens() -> None:
    """Its signature holds, and each key opens its slot to the content that the file names."""
    known = VECTORS["deterministic"]
    event = decode_event(bytes.fromhex(known["event"]))
    verify(event, bytes.fromhex(known["signing_public_key"]))
    assert event.signature.hex() == known["signature"]
    assert len(event.slots) == 8


def test_the_committed_submission_opens_under_the_vaults_key() -> None:
    """HPKE to the vault: the manifest gives back every part."""
    submission = decode_submission(bytes.fromhex(VECTORS["submission"]["bytes"]))
    event = decode_event(submission.event)
    keys = open_manifest(submission, event, VaultPrivateKey("vault-1", VAULT_SEED))
    opened = {}
    for key in keys:
        slot = event.slot(key.slot_id)
        assert slot is not None
        opened[key.label] = open_slot(event_context(event.header), slot, key)
    assert opened == {part.label: part.content for part in PARTS}
    assert CONTROL in opened

"""Test vectors of the seal, the ids and the codes: for whoever writes another client, in any language.

``python -m tests.support.vectors`` writes ``contracts/vectors/sealing.v1.json`` again. Everything is made with a
seeded source of randomness, so it is the same each time, save the HPKE encapsulation, which the library draws
itself: of that one, a submission is kept, to be opened.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.ids import alias, case_code, dispatch_id, new_id
from contracts.sealing import (
    CONTROL,
    Header,
    PlainSlot,
    SigningKey,
    VaultPrivateKey,
    encode_event,
    seal_event,
    seal_submission,
)

PATH = Path(__file__).parents[2] / "contracts" / "vectors" / "sealing.v1.json"
VAULT_SEED, SIGNING_SEED, KEY = bytes(range(96)), bytes(range(32)), bytes(range(32, 64))
A, B = UUID(int=1), UUID(int=2)
AT = datetime(2026, 4, 1, 9, 30, 0, 250_000, tzinfo=UTC)
PARTS = (
    PlainSlot(CONTROL, None, b"control.", b"an invented control payload"),
    PlainSlot("F1", B, b"identity", b"an invented identity"),
    PlainSlot("item:age_group", B, b"item-utf", b"18-24"),
)
HEADER = Header(
    instance=UUID(int=10), event_id=UUID(int=11), submission_id=UUID(int=12), sender=UUID(int=13),
    case_ref=str(A), occurred_at=AT, signing_key_id="key-1",
)  # fmt: skip


def deterministic() -> dict[str, Any]:
    """All that a seeded source of randomness decides."""
    source = random.Random(20260401).randbytes
    event, keys = seal_event(HEADER, PARTS, SigningKey(SIGNING_SEED), source)
    return {
        "signing_seed": SIGNING_SEED.hex(),
        "signing_public_key": SigningKey(SIGNING_SEED).public_key.hex(),
        "header": event.header_bytes.hex(),
        "event": encode_event(event).hex(),
        "signature": event.signature.hex(),
        "slot_keys": [
            {"slot": str(key.slot_id), "label": key.label, "subject": str(key.subject_ref or ""), "key": key.key.hex(),
             "content": next(p.content for p in PARTS if p.label == key.label).hex()}
            for key in keys
        ],
        "alias": {
            "key": KEY.hex(), "case": str(alias(KEY, "case", A, B)), "dispatch": str(alias(KEY, "dispatch", A, B))
        },
        "dispatch_id": {"recipient": "embassy-vn", "id": str(dispatch_id(A, B, "embassy-vn"))},
        "case_code": {"key": KEY.hex(), "codes": [case_code(KEY, A, B, attempt) for attempt in range(3)]},
        "new_id": str(new_id(random.Random(1).randbytes, AT)),
    }  # fmt: skip


def main() -> None:
    """Write the file."""
    vault = VaultPrivateKey("vault-1", VAULT_SEED)
    source = random.Random(20260402).randbytes
    submission = seal_submission(HEADER, PARTS, SigningKey(SIGNING_SEED), vault.public, source)
    document = {
        "about": "Vectors of the sealed envelope, suite 1. Hex throughout; ids are UUIDs. All content is invented.",
        "deterministic": deterministic(),
        "submission": {"vault_seed": VAULT_SEED.hex(), "bytes": submission.hex()},
    }
    PATH.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

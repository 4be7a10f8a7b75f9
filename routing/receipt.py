"""Receipts: the stored, reproducible record of a decision.

The outer part (ids, hashes, versions) is clear; the inner part (state, record, kin, decision) is sealed by the
service under the subject's key. Years later the inner part and the same law give the same decision, byte for byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.case_record import CaseRecord
from contracts.decision import Decision, Step
from contracts.errors import Conflict
from routing.law import ENGINE_VERSION, Law
from routing.state import Recorded, recorded
from routing.step import NO_KIN, run


class ReceiptOuter(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand in clear: nothing here tells of the case."""

    event_id: UUID
    subject: UUID
    decided_at: datetime
    rule_set_hash: str
    directory_hash: str
    engine_version: str
    inner_digest: bytes  # SHA-256 of the inner bytes before sealing; salted by the random ids inside
    dispatch_ids: tuple[UUID, ...]


class ReceiptInner(msgspec.Struct, frozen=True, kw_only=True):
    """What re-evaluation needs, and what was concluded. To be sealed."""

    state: bytes | None
    record: Recorded
    kin: dict[UUID, bytes]
    decision: bytes


_ENCODER = msgspec.msgpack.Encoder()
_INNER = msgspec.msgpack.Decoder(ReceiptInner)
_DECISION = msgspec.msgpack.Decoder(Decision)


def encode_decision(decision: Decision) -> bytes:
    """A decision as its canonical bytes."""
    return _ENCODER.encode(decision)


def decode_decision(data: bytes) -> Decision:
    """A decision from its bytes."""
    return _DECISION.decode(data)


def receipt_of(
    state: bytes | None, record: CaseRecord, done: Step, kin: Mapping[UUID, bytes] = NO_KIN
) -> tuple[ReceiptOuter, bytes]:
    """The receipt of a step: outer part, and inner bytes to seal.

    Args:
        state: the state that went into the step, not the one that came out.
    """
    decision = done.decision
    inner = _ENCODER.encode(
        ReceiptInner(
            state=state,
            record=recorded(record),
            kin={key: kin[key] for key in sorted(kin)},
            decision=encode_decision(decision),
        )
    )
    outer = ReceiptOuter(
        event_id=decision.event_id, subject=decision.subject, decided_at=decision.decided_at,
        rule_set_hash=decision.rule_set_hash, directory_hash=decision.directory_hash,
        engine_version=decision.engine_version, inner_digest=hashlib.sha256(inner).digest(),
        dispatch_ids=tuple(d.dispatch_id for d in decision.dispatches),
    )  # fmt: skip
    return outer, inner


def read_inner(data: bytes) -> ReceiptInner:
    """The inner part from its bytes."""
    return _INNER.decode(data)


def encode_inner(inner: ReceiptInner) -> bytes:
    """The inner part's bytes, to be sealed or kept by its owner."""
    return _ENCODER.encode(inner)


def re_evaluate(inner: ReceiptInner, law: Law) -> bytes:
    """Decide again from what the receipt holds: equal to ``inner.decision`` under the same law and engine.

    Raises:
        Conflict: the law or the engine is not the one the receipt pins.
    """
    pinned = decode_decision(inner.decision)
    mine = (law.rule_set_hash, law.directory_hash, ENGINE_VERSION)
    if (pinned.rule_set_hash, pinned.directory_hash, pinned.engine_version) != mine:
        raise Conflict("the receipt was made under another law", code="other-law",
                       remedy="Load the rule set, directory and engine that the receipt names.")  # fmt: skip
    return encode_decision(run(inner.state, inner.record, law, inner.kin).decision)

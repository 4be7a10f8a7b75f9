"""Sealed events for tests: invented people, seeded randomness, keys that nobody uses."""

from __future__ import annotations

import base64
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from contracts.api import InstanceInfo
from contracts.open_event import OpenEvent
from contracts.sealing import (
    CONTROL,
    SUITE_NAME,
    Header,
    PlainSlot,
    SealedEvent,
    SigningKey,
    SlotKey,
    VaultPrivateKey,
    decode_event,
    decode_submission,
    open_manifest,
    seal_submission,
)
from services.edge.prepare import Prepared, SenderKeys, prepare

NOW = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
MAI = UUID("00000000-0000-4000-8000-0000000000a1")
DAO = UUID("00000000-0000-4000-8000-0000000000a2")
GROUPS = {
    "F1": {"given_name": "Mai", "family_name": "Vongsa", "birth_date": "2010-02-03", "sex": "Feminine"},
    "F2": {"current_place": "Shelter behind the old market", "mobile_phone": "+66800000001"},
    "F3": {"citizenship": ["LA"], "papers_held": "none"},
    "F5": {"trafficking_status": "PossibleVictimOfTrafficking", "exploitation": ["ForcedLabour"]},
    "F12": {"services_wanted": ["interpreter"]},
}


class World:
    """One instance, one sender, one stream of seeded randomness."""

    def __init__(self, seed: int = 7) -> None:
        self.random = random.Random(seed).randbytes
        self.vault_key = VaultPrivateKey("vault-test", self.random(96))
        self.seed = self.random(32)
        self.instance_id, self.agency_id = self.id(), self.id()
        self.keys = SenderKeys(self.agency_id, self.seed, "ngo-key-1")
        self.instance = InstanceInfo(
            instance_id=self.instance_id,
            name="test",
            demo=True,
            version="0",
            vault_key_id="vault-test",
            vault_public_key=base64.b64encode(self.vault_key.public.raw).decode(),
            suite=SUITE_NAME,
            counsel_signed=False,
        )

    @property
    def signing_key(self) -> SigningKey:
        return self.keys.signing_key

    def id(self) -> UUID:
        return UUID(bytes=self.random(16), version=4)

    def header(self, **changes: object) -> Header:
        header = Header(
            instance=self.instance_id,
            event_id=self.id(),
            submission_id=self.id(),
            sender=self.agency_id,
            case_ref="SP-K7RM4-TQX2F",
            occurred_at=NOW,
            signing_key_id="ngo-key-1",
        )
        return msgspec.structs.replace(header, **changes)

    def submission(self, parts: Sequence[PlainSlot], header: Header | None = None) -> bytes:
        return seal_submission(
            header or self.header(), parts, self.signing_key, self.vault_key.public, self.random
        )

    def opened(self, submission: bytes) -> tuple[SealedEvent, tuple[SlotKey, ...]]:
        outer = decode_submission(submission)
        event = decode_event(outer.event)
        return event, open_manifest(outer, event, self.vault_key)

    def prepared(self, **changes: object) -> Prepared:
        return prepare(self.open_event(**changes), self.keys, self.instance, self.random, NOW)

    def open_event(self, **changes: object) -> OpenEvent:
        document: dict[str, object] = {
            "event": "ReferralSent",
            "event_id": self.id(),
            "submission_id": self.id(),
            "occurred_at": NOW,
            "sender": "ngo-sample",
            "case": "SP-K7RM4-TQX2F",
            "to": ["RFP@LA"],
            "subjects": [{"subject": MAI, "facts": {"found_in": "TH"}, "groups": GROUPS}],
        }
        return OpenEvent.model_validate(document | changes)


def parts(subject: UUID | None = MAI, content: bytes = b"canary") -> list[PlainSlot]:
    """A control part and three groups."""
    return [
        PlainSlot(CONTROL, None, b"ctrl-v01", b"control " + content),
        *(PlainSlot(label, subject, b"group-v1", label.encode() + content) for label in ("F1", "F2", "F5")),
    ]

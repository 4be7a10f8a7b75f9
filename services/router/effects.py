"""What a batch of decisions changes: grants, receipts, reviews, erasures, and the records for delivery."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from pydantic import BaseModel

from contracts.case_record import CaseRecord
from contracts.decision import Decision, Dispatch, Regrant, ReviewOpened, Step
from contracts.records import DecisionRecord, DispatchRecord
from contracts.schema_ids import schema_id
from contracts.task_status import STATUS_OF_ANSWER
from contracts.topic_names import DECISIONS, DISPATCHES
from routing.directory import Directory
from services.edge.envelope import DISPATCH, REGRANT, slots_of
from services.router import store
from services.router.members import Members
from services.router.reading import Entry
from services.runtime.log.cloud_events import own_record
from services.runtime.log.port import NO_HEADERS, NewRecord
from services.runtime.store.port import UnitOfWork
from services.runtime.telemetry import traces
from services.vault.port import VaultDoor
from services.vault.tickets import Grant, Regranted

RECEIPT: Final = b"router/receipt"
REVIEW: Final = b"router/review"
_DISPATCH_ID: Final = schema_id("dispatch_record.v1")
_DECISION_ID: Final = schema_id("decision_record.v1")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The sealed part of a receipt: enough to decide again, years later, and compare the bytes."""

    record: CaseRecord
    state_before: bytes | None
    kin_before: dict[UUID, bytes]
    decision: Decision


def read_receipt(content: bytes) -> Receipt:
    """The sealed part of a receipt, from its opened bytes."""
    return _RECEIPT.decode(content)


@dataclass(frozen=True, slots=True)
class Before:
    """What a decision started from."""

    state: bytes | None
    kin: dict[UUID, bytes]
    gate_version: int


@dataclass(slots=True)
class Effects:
    """Collects what decisions ask for, and writes it in one go."""

    vault: VaultDoor
    directory: Directory
    members: Members
    grants: list[Grant] = field(default_factory=list)
    regrants: list[Regranted] = field(default_factory=list)
    renewed: dict[UUID, int] = field(default_factory=dict)
    receipts: list[store.ReceiptRow] = field(default_factory=list)
    reviews: list[store.ReviewRow] = field(default_factory=list)
    closed: list[tuple[UUID, str]] = field(default_factory=list)
    records: list[NewRecord] = field(default_factory=list)
    erased_groups: dict[UUID, set[str]] = field(default_factory=dict)
    parent: bytes | None = None
    at: datetime | None = None
    """When what is being decided was recorded; the time of all records that follow from it."""

    def add(self, entry: Entry, record: CaseRecord, before: Before, step: Step) -> None:
        """Take in one decision."""
        decision = step.decision
        self.parent, self.at = entry.record.headers.get(traces.HEADER), record.recorded_at
        subject = record.subject
        if before.gate_version != self.members.row(subject).gate_version:
            self.renewed[subject] = self.members.row(subject).gate_version
        for dispatch in sorted(decision.dispatches, key=lambda d: (d.order, d.recipient)):
            self._dispatch(_with_emitter(dispatch, record))
        for regrant in decision.regrants:
            self._regrant(record, regrant)
        if (
            (status := STATUS_OF_ANSWER.get(record.event))
            and record.answer is not None
            and decision.outcome == "accepted"
        ):
            self._tell(
                DispatchRecord(kind="status", dispatch_id=record.answer.dispatch_id, case_id=record.case_id,
                               subject_id=subject, event_id=record.event_id, status=status),
            )  # fmt: skip
        self._receipt(entry, record, before, decision)
        for review in decision.reviews:
            self._review(record, review)
        state = "released" if record.review is not None and record.review.action == "release" else "refused"
        self.closed += [(review_id, state) for review_id in decision.reviews_closed]
        if decision.erase_groups:
            self.erased_groups.setdefault(subject, set()).update(decision.erase_groups)

    def _dispatch(self, dispatch: Dispatch) -> None:
        recipient = self.directory.by_slug(dispatch.recipient).agency_id
        subject, vault = dispatch.subject, self.vault
        self.grants.append(
            Grant(
                dispatch_id=dispatch.dispatch_id, subject_id=subject, recipient=recipient,
                slots=slots_of(dispatch), gate_version=self.members.row(subject).gate_version,
                expires_at=dispatch.expires_at,
            )
        )  # fmt: skip
        self._tell(
            DispatchRecord(
                kind="dispatch", dispatch_id=dispatch.dispatch_id,
                alias=vault.alias("dispatch", dispatch.dispatch_id, recipient),
                case_alias=vault.alias("case", dispatch.case_id, recipient),
                case_code=vault.case_code(dispatch.case_id, recipient),
                subject_alias=vault.alias("subject", subject, recipient),
                told_by=self._told_by(dispatch, recipient),
                case_id=dispatch.case_id, log_key=self.members.row(subject).log_key, subject_id=subject,
                recipient=recipient, event_id=dispatch.event_id,
                generation=dispatch.generation, priority=dispatch.priority, via=dispatch.via,
                place=dispatch.order, dated=dispatch.dated, acknowledge_by=dispatch.acknowledge_by,
                decide_by=dispatch.decide_by,
                sealed=self._seal(subject, dispatch, DISPATCH + dispatch.dispatch_id.bytes),
            ),
        )  # fmt: skip

    def _told_by(self, dispatch: Dispatch, recipient: UUID) -> list[UUID]:
        owner = self.members.row(dispatch.subject).owner
        emitter = self.directory.by_slug(dispatch.emitter).agency_id if dispatch.emitter else owner
        return sorted({owner, emitter} - {recipient})

    def _regrant(self, record: CaseRecord, made: Regrant) -> None:
        regrant = msgspec.structs.replace(made, event=record.event)
        labels = (*regrant.groups, *(f"item:{item}" for item in regrant.items))
        gate_version = self.members.row(record.subject).gate_version
        self.regrants.append(
            Regranted(
                dispatch_id=regrant.dispatch_id,
                labels=labels,
                recalled=regrant.recalled,
                gate_version=gate_version,
            )
        )
        self._tell(
            DispatchRecord(
                kind="regrant", dispatch_id=regrant.dispatch_id, case_id=record.case_id,
                subject_id=record.subject, event_id=record.event_id, recalled=regrant.recalled,
                sealed=self._seal(record.subject, regrant, REGRANT + regrant.dispatch_id.bytes),
            ),
        )  # fmt: skip

    def _receipt(self, entry: Entry, record: CaseRecord, before: Before, decision: Decision) -> None:
        inner = Receipt(record=record, state_before=before.state, kin_before=before.kin, decision=decision)
        sealed = self._seal(record.subject, inner, RECEIPT + record.event_id.bytes + record.subject.bytes)
        at = entry.record.position
        emitter = self.directory.by_slug(record.emitter).agency_id if record.emitter else None
        self.receipts.append(
            store.ReceiptRow(
                record.event_id, record.subject, record.case_id, emitter, record.recorded_at,
                f"{at.log_id}/{at.topic}/{at.partition}/{at.offset:020d}", decision.rule_set_hash,
                decision.directory_hash, decision.engine_version, sealed,
            )
        )  # fmt: skip
        self._emit(
            DECISIONS, _DECISION_ID, f"{record.event_id}/{record.subject}", "decision",
            DecisionRecord(
                event_id=record.event_id, case_id=record.case_id, subject_id=record.subject,
                decided_at=record.recorded_at, rule_set_hash=decision.rule_set_hash,
                directory_hash=decision.directory_hash, engine_version=decision.engine_version,
                decision_digest=hashlib.sha256(sealed).digest(), sealed=sealed,
            ),
        )  # fmt: skip

    def _review(self, record: CaseRecord, review: ReviewOpened) -> None:
        desk = None if review.desk == "operator" else self.directory.by_slug(review.desk).agency_id
        self.reviews.append(
            store.ReviewRow(
                review.review_id, record.case_id, record.subject, self.members.row(record.subject).log_key,
                review.event_id, desk, record.recorded_at, review.due_at, review.needs_second_person, "open",
                self._seal(record.subject, review, REVIEW + review.review_id.bytes),
            )
        )  # fmt: skip

    def _seal(self, subject: UUID, value: msgspec.Struct, context: bytes) -> bytes:
        return self.vault.seal_facts(self.members.keys[subject], _ENCODER.encode(value), context)

    def _tell(self, value: DispatchRecord) -> None:
        said = f"{value.kind}/{value.dispatch_id}/{value.event_id}"
        self._emit(DISPATCHES, _DISPATCH_ID, said, "dispatch", value)

    def _emit(
        self, topic: str, schema: int, ce_id: str, what: str, value: DispatchRecord | DecisionRecord
    ) -> None:
        assert self.at is not None
        self.records.append(
            own_record(
                topic, value.case_id, schema, value, ce_id=ce_id, ce_type=f"org.sampan.{what}", at=self.at,
                more=NO_HEADERS if self.parent is None else {traces.HEADER: self.parent},
            )
        )  # fmt: skip

    async def write(self, work: UnitOfWork) -> None:
        """Store everything and emit the records; in the caller's transaction."""
        connection: Any = work.connection
        await self.members.write(connection)
        await store.save_receipts(connection, self.receipts)
        await self.vault.grant(connection, self.grants, self.members.keys)
        await self.vault.change_grants(connection, self.regrants, self.renewed)
        for subject, groups in self.erased_groups.items():
            await self.vault.erase_groups(connection, subject, groups)
        await store.open_reviews(connection, self.reviews)
        await store.close_reviews(connection, self.closed, work.now)
        for record in self.records:
            work.emit(record)


def _with_emitter(dispatch: Dispatch, record: CaseRecord) -> Dispatch:
    """Say who emitted the event; a released one has been given its emitter by the engine."""
    if dispatch.emitter is not None or dispatch.event_id != record.event_id:
        return dispatch
    return msgspec.structs.replace(dispatch, emitter=record.emitter, emitter_address=record.emitter_address)


def _plain(value: object) -> object:
    """pydantic parts of a record (facts, consent) as plain data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    raise TypeError(f"no plain form of {type(value).__name__}")


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain, uuid_format="bytes")
"""Ids as 16 bytes instead of 36: most dispatches fit the next smaller size."""

_RECEIPT: Final = msgspec.msgpack.Decoder(Receipt, dec_hook=lambda kind, value: kind.model_validate(value))

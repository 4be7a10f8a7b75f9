"""What the topics beside ``case-events`` carry, and what Sampan itself finds.

Clear fields are ids, times and states alone; everything that tells about a case is in ``sealed`` (AES-GCM
under the subject's facts key), so that destroying that key silences these records too. Written as Avro.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict


class LogValue(BaseModel):
    """Base of the values on the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunningEvent(LogValue):
    """Sampan's own finding, on ``case-events``: a due timer, a refused disclosure, a review answered.

    ``kind`` is neutral by design: it says what happened to the machinery, nothing about the person.
    """

    event_id: UUID
    kind: Literal["DeadlineDue", "DisclosureRefused", "ReviewResolved", "DeliveryFailed"]
    case_id: UUID
    subject_id: UUID
    at: AwareDatetime
    timer_id: UUID | None = None
    dispatch_id: UUID | None = None
    review_id: UUID | None = None
    of_event: UUID | None = None
    by_agency: UUID | None = None
    action: str | None = None
    second: str | None = None
    limit: str | None = None


class DispatchRecord(LogValue):
    """On ``dispatches``: an event for one recipient, a narrowing of an earlier one, or its new status."""

    kind: Literal["dispatch", "regrant", "status"]
    dispatch_id: UUID
    alias: UUID | None = None  # what the recipient calls it; of kind dispatch
    case_alias: UUID | None = None
    case_code: str | None = None
    subject_alias: UUID | None = None
    case_id: UUID
    log_key: UUID | None = None  # under which the case's events are ordered; of kind dispatch
    subject_id: UUID
    recipient: UUID | None = None  # of kind dispatch, as the rest below
    told_by: list[UUID] = []  # the emitter and the owner: they may enter an answer that came by telephone
    event_id: UUID
    generation: int = 0
    priority: str = "ROUTINE"
    via: str | None = None
    place: int = 0  # lower is told earlier within one decision
    dated: AwareDatetime | None = None
    acknowledge_by: AwareDatetime | None = None
    decide_by: AwareDatetime | None = None
    status: str | None = None  # FHIR Task.status, of kind status
    recalled: bool = False
    sealed: bytes | None = None  # contracts.decision.Dispatch; of kind regrant contracts.decision.Regrant


class DecisionRecord(LogValue):
    """On ``decisions``: the receipt. Outer part clear (ids, hashes), inner part sealed."""

    event_id: UUID
    case_id: UUID
    subject_id: UUID
    decided_at: AwareDatetime
    rule_set_hash: str
    directory_hash: str
    engine_version: str
    decision_digest: bytes  # SHA-256 over the salted decision
    sealed: bytes


class DeliveryEvent(LogValue):
    """On ``delivery-events``: opened, delivered, failed, refused, unknown."""

    event_id: UUID
    kind: Literal["DisclosureMade", "Delivered", "Refused", "Unknown", "Retried", "Parked"]
    dispatch_id: UUID
    case_id: UUID
    recipient: UUID
    channel: str
    at: AwareDatetime
    attempt: int = 0
    error_code: str | None = None


class PartnerNotice(LogValue):
    """On a partner's own topic: something in its inbox is new or has changed; all notices look alike.

    ``dispatch`` is what the recipient calls it. It opens nothing by itself: contents are asked for over HTTP, so
    what was taken back since stays closed.
    """

    dispatch: UUID
    cursor: int  # where it stands in the recipient's feed
    at: AwareDatetime

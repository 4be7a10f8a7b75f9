"""The HTTP API's answers, shared by server and client. JSON; times are ISO 8601 with offset.

A value of a person appears in :class:`OpenedItem` alone, and there only for the recipient who opened it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.roles import Basis, Group, Priority, Purpose


class Wire(BaseModel):
    """Base of API models: unknown fields are ignored, so an older client reads a newer server."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(Wire):
    """RFC 9457 problem details, in words a caseworker understands."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str | None = None
    field: str | None = None
    remedy: str | None = None


class InstanceInfo(Wire):
    """What an edge must know before it seals: ``GET /v1/instance``."""

    instance_id: UUID
    name: str
    demo: bool
    version: str
    vault_key_id: str
    vault_public_key: str  # base64 of the HPKE public key, suite MLKEM768X25519
    suite: str
    webhook_public_key: str = ""  # whpk_…, to verify notices (Standard Webhooks, ed25519)
    counsel_signed: bool  # whether the rules in force are signed; the demo region's are not


class AgencyInfo(Wire):
    """One agency as everybody may see it: ``GET /v1/agencies``, and ``GET /v1/me`` for oneself."""

    agency: str  # slug
    agency_id: UUID
    name: str
    roles: list[str]  # addresses
    country: str
    mission_of: str | None = None
    timezone: str
    languages: list[str] = []


class SubmitReceipt(Wire):
    """Proof that an event is durable. The same submission id and content gets the same receipt."""

    submission_id: UUID
    event_id: UUID
    case_code: str  # sayable, as this sender knows the case: SP-K7RM4-TQX2F
    case_ref: UUID
    subject_refs: list[UUID]
    recorded_at: datetime
    duplicate: bool = False
    assisted: bool = False


class Deadline(Wire):
    """A time until which somebody should act."""

    deadline_at: datetime
    awaits: list[str]  # event names, or "answer: acknowledge"
    owner: str | None = None
    state: Literal["open", "met", "missed"] = "open"


class Note(Wire):
    """A note that travels with a dispatch: ``keep_from`` somebody, ``non_punishment``."""

    code: str
    person: str | None = None
    groups: list[Group] = []


class InboxItem(Wire):
    """One dispatch as its recipient sees it before opening: the envelope F0, no name."""

    cursor: int  # dense per recipient, from 1
    dispatch: UUID  # the recipient's alias
    event: str
    purpose: Purpose
    priority: Priority
    basis: Basis
    case_code: str
    case_ref: UUID
    subject_ref: UUID
    from_role: str
    from_agency: str | None = None
    groups: list[Group]
    items: list[str] = []
    consent_ref: UUID | None = None
    notes: list[Note] = []
    dated: datetime
    received_at: datetime
    acknowledge_by: datetime | None = None
    decide_by: datetime | None = None
    status: str  # FHIR Task.status: requested, received, accepted, rejected, completed, cancelled …
    opened_at: datetime | None = None
    recalled: bool = False


class InboxPage(Wire):
    """A page of the gapless feed. ``next`` is the cursor to ask for next; equal to the request's if empty."""

    items: list[InboxItem]
    next: int
    more: bool


class OpenedItem(Wire):
    """The groups that a recipient opened, in clear, for its eyes."""

    dispatch: UUID
    groups: dict[Group, dict[str, Any]]
    items: dict[str, str] = {}
    opened_at: datetime


class TimelineEntry(Wire):
    """One thing that happened, as the viewer may see it."""

    at: datetime
    what: Literal["event", "told", "not_told", "held", "answer", "deadline", "review", "recalled", "delivery"]
    event: str
    who: str | None = None  # agency name or address
    purpose: Purpose | None = None
    groups: list[Group] = []
    rules: list[str] = []  # "R21: Notify the origin focal point …"
    asks: list[str] = []
    text: str = ""  # one sentence
    status: str | None = None
    dispatch: UUID | None = None
    deadline_at: datetime | None = None


class CaseTimeline(Wire):
    """``GET /v1/cases/{code}/timeline``."""

    case_code: str
    case_ref: UUID
    role: Literal["owner", "recipient"]
    subjects: list[UUID]
    entries: list[TimelineEntry]


class WaitingItem(Wire):
    """Something that waits for the viewer: ``GET /v1/waiting``, soonest deadline first."""

    kind: Literal["answer", "decision", "review", "question", "deadline"]
    deadline_at: datetime | None
    case_code: str
    dispatch: UUID | None = None
    review: UUID | None = None
    event: str
    text: str
    priority: Priority | None = None


class ReviewItem(Wire):
    """A question for a person: why it waits, what may be done, what is asked for."""

    review: UUID
    desk: str
    case_code: str
    event: str
    opened_at: datetime
    deadline_at: datetime | None = None
    reason: str
    rules: list[str] = []
    asks: list[str] = []
    options: list[str] = []
    needs_second_person: bool = False
    state: Literal["open", "released", "refused"] = "open"


class LaneItem(Wire):
    """One lane (case × recipient × channel) that is parked or late. No fact of the case."""

    lane: UUID
    recipient: str
    channel: str
    waiting: int
    state: Literal["flowing", "retrying", "unknown", "parked"]
    attempts: int
    next_attempt_at: datetime | None = None
    error_code: str | None = None


class DeadLetterCount(Wire):
    """How many records of a topic could not be taken for ours, and wait for somebody. No content, no case."""

    topic: str
    waiting: int


class ErasureTicket(Wire):
    """First step of an erasure: what will be destroyed, and the word to confirm it with."""

    confirm: str
    expires_at: datetime
    dispatches: int
    groups: int

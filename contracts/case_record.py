"""What the router hands to ``routing.step``: one record of the log, opened, for one subject."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from contracts.consent import Consent
from contracts.decision import SlotRef
from contracts.facts import Facts


class AnswerTo(msgspec.Struct, frozen=True, kw_only=True):
    """An answer's reference: the dispatch answered and how."""

    dispatch_id: UUID
    code: str | None = None
    reported_how: str | None = None
    reported_by: str | None = None  # slug


class ReviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A person's answer at the review desk."""

    review_id: UUID | None = None
    of_event: UUID | None = None  # the held event, where no review row stands
    action: str  # release, refuse
    second: str | None = None
    limit: str | None = None  # a group or a duration that the release is limited to


class CaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record for one subject. ``emitter`` None: Sampan itself (DeadlineDue, DisclosureRefused)."""

    event_id: UUID
    event: str
    case_id: UUID
    case_subjects: tuple[UUID, ...]  # all subjects of the event, this one included
    subject: UUID
    child_of: UUID | None = None
    emitter: str | None
    emitter_address: str | None
    owner: str  # slug of the agency that owns the case
    occurred_at: datetime
    recorded_at: datetime
    to: tuple[str, ...] = ()
    purpose: str | None = None
    priority: str | None = None
    facts: Facts = Facts()
    consent: Consent | None = None
    answer: AnswerTo | None = None
    review: ReviewAnswer | None = None
    slots: dict[str, SlotRef] = {}
    items: dict[str, SlotRef] = {}
    timer_id: UUID | None = None  # of a DeadlineDue
    dispatch_id: UUID | None = None  # of a DisclosureRefused, ReferralDelivered, delivery failure …

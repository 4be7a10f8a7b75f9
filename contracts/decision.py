"""What the router concluded for one record and one subject, and what follows from it.

``routing.step`` returns a :class:`Step`; ``services/router`` carries it out and stores it. Structs are
msgspec for speed: they are sealed, stored and read back for every record. Agencies appear by slug.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class SlotRef(msgspec.Struct, frozen=True):
    """Where a sealed group stands: the event that carried it, the slot in it, its place on ``case-events``."""

    event_id: UUID
    slot_id: UUID
    partition: int = -1
    offset: int = -1


class RuleRef(msgspec.Struct, frozen=True, order=True):
    """A rule among the reasons."""

    id: str  # R21
    version: str  # valid_from of the version in force


class Note(msgspec.Struct, frozen=True):
    """Travels with a dispatch: ``keep_from`` names a companion (sealed label), ``non_punishment`` nobody."""

    code: str
    person: str | None = None
    groups: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """One event to one recipient. The id derives from (event, subject, recipient, generation) alone."""

    dispatch_id: UUID
    generation: int = 0
    case_id: UUID
    subject: UUID
    event_id: UUID
    event: str  # the name shown: ReferralSent where a consent-row record made the route true
    recipient: str  # agency slug
    address: str  # the role in which it is told: RFP@LA, CON.VN@TH, IDA@SG/police
    relation: str | None = None  # owner, requester … when told as such
    emitter: str | None = None  # slug of whoever emitted the event; None: Sampan
    emitter_address: str | None = None
    purpose: str
    basis: str
    priority: str
    groups: dict[str, SlotRef] = {}  # granted groups and their newest slot; F0 is always granted
    items: dict[str, SlotRef] = {}
    consents: tuple[UUID, ...] = ()  # event ids of the consents it rests on
    expires_at: datetime | None = None  # end of what the basis allows
    notes: tuple[Note, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    via: str | None = None  # None: the agency's own channels; duty_phone: a call task
    dated: datetime  # the instant the recipient is shown
    order: int = 0  # lower is told earlier within one decision
    answers: UUID | None = None  # the dispatch or event that this one answers
    acknowledge_by: datetime | None = None
    decide_by: datetime | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A route or an event that waits, and what it asks for (a fact, ``consent``, or an event)."""

    event: str
    event_id: UUID
    recipient: str | None = None  # slug; None: the event itself is held
    address: str | None = None
    purpose: str | None = None
    asks: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """A recipient or an event that is refused, recorded even where nobody offered a route."""

    event: str
    event_id: UUID
    recipient: str | None = None
    address: str | None = None  # state@LA where a whole side is denied
    asks: tuple[str, ...] = ()
    rules: tuple[RuleRef, ...] = ()


class Warn(msgspec.Struct, frozen=True):
    """A warning before a deadline."""

    at: datetime
    who: str  # slug or relation


class DeadlineSet(msgspec.Struct, frozen=True, kw_only=True):
    """A timer. When due, intake appends DeadlineDue and the router decides whether it was missed."""

    deadline_id: UUID
    event_id: UUID  # of: the event that set it
    awaits_events: tuple[str, ...] = ()
    awaits_answer: str | None = None  # acknowledge, accept
    dispatch_id: UUID | None = None
    owner: str | None = None  # slug
    owner_address: str | None = None
    due_at: datetime
    within: str  # as the rule writes it: 24h, 15d, 3mo
    warn: tuple[Warn, ...] = ()
    every: str | None = None
    effect: str = "miss"  # miss, remind, follow_up, erase, review, escalate
    rules: tuple[RuleRef, ...] = ()


class Timer(msgspec.Struct, frozen=True):
    """The next instant at which the router must look at this subject again. Clear: id and time alone."""

    timer_id: UUID
    at: datetime


class Fired(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a timer found: DeadlineMissed, DeadlineWarned, FollowUpMissed, Reminded, Escalated."""

    event: str
    of: UUID | None = None  # event id that set the deadline
    deadline_id: UUID | None = None
    who: tuple[str, ...] = ()  # slugs: whose deadline it was, and who is told
    rules: tuple[RuleRef, ...] = ()


class ReviewOpened(msgspec.Struct, frozen=True, kw_only=True):
    """A question for a person."""

    review_id: UUID
    event_id: UUID
    event: str
    desk: str  # slug of the agency that answers, or "operator"
    desk_address: str = ""
    reason: str  # one sentence without facts of the person
    asks: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    needs_second_person: bool = False
    due_at: datetime | None = None
    rules: tuple[RuleRef, ...] = ()


class Regrant(msgspec.Struct, frozen=True):
    """What an earlier dispatch may still open after a narrowing. No groups and recalled: nothing."""

    dispatch_id: UUID
    groups: tuple[str, ...]
    items: tuple[str, ...] = ()
    recalled: bool = False
    rules: tuple[RuleRef, ...] = ()
    event: str = ""  # what took it away; for the recipient's system, which may have to end a consent


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The router's conclusion for one record and one subject. Stored sealed; the outer receipt holds hashes."""

    event_id: UUID
    event: str
    case_id: UUID
    subject: UUID
    decided_at: datetime
    outcome: str  # accepted, held, denied, refused
    dispatches: tuple[Dispatch, ...] = ()
    held: tuple[Held, ...] = ()
    released: tuple[UUID, ...] = ()  # event ids of held events or routes that this record released
    denied: tuple[Denied, ...] = ()
    deadlines: tuple[DeadlineSet, ...] = ()
    deadlines_met: tuple[UUID, ...] = ()
    deadlines_missed: tuple[UUID, ...] = ()
    fired: tuple[Fired, ...] = ()
    reviews: tuple[ReviewOpened, ...] = ()
    reviews_closed: tuple[UUID, ...] = ()
    regrants: tuple[Regrant, ...] = ()
    erase_groups: tuple[str, ...] = ()  # groups whose slot keys the vault destroys
    unlinked_except: tuple[str, ...] | None = None  # slugs that may know that mother and baby belong together
    rules_fired: tuple[RuleRef, ...] = ()  # matched, or a requirement of it was met
    rule_set_hash: str = ""
    directory_hash: str = ""
    engine_version: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What ``routing.step`` returns: the new state (opaque bytes to services), the decision, the timers."""

    state: bytes
    decision: Decision
    timers: tuple[Timer, ...] = ()  # all open timers of the subject after this step (replace the old set)

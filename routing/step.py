"""The router's fold: one record of one subject in, the new state, a decision and the open timers out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.case_record import CaseRecord
from contracts.decision import Decision, Step
from routing.combine import combine
from routing.deadlines import set_by_dispatches, set_by_rules
from routing.decide import report, take
from routing.dispatching import dispatch_route, tell
from routing.effects import questions
from routing.fold import with_mother
from routing.law import ENGINE_VERSION, Law
from routing.narrow import narrow
from routing.offers import condition_offers
from routing.release import release_what_can_go
from routing.reviews import answer_review
from routing.state import Recorded, SubjectState, decode_state, encode_state, recorded
from routing.timers import open_timers, ring
from routing.undelivered import undelivered
from routing.working import Working

NO_KIN: Mapping[UUID, bytes] = {}


def step(state: bytes | None, record: CaseRecord, law: Law, kin: Mapping[UUID, bytes] = NO_KIN) -> Step:
    """Fold one record of one subject and decide it.

    Args:
        state: what the last step of this subject returned; None for its first record.
        kin: states of linked subjects (a baby's mother), as they are now.

    The same arguments give the same bytes, years later.
    """
    return run(state, recorded(record), law, kin)


def run(state: bytes | None, record: Recorded, law: Law, kin: Mapping[UUID, bytes] = NO_KIN) -> Step:
    """As :func:`step`, on a record in plain values (as receipts keep it)."""
    known = decode_state(state) if state is not None else SubjectState(record.subject, record.child_of)
    owner = law.directory.by_slug(record.owner) if law.directory.has(record.owner) else None
    mother = kin.get(known.child_of) if known.child_of is not None else None
    w = Working(
        known, record, law, law.in_force(record.recorded_at), decode_state(mother) if mother is not None else None,
        owner.zone if owner else ZoneInfo("UTC"),
    )  # fmt: skip
    known.owner = record.owner
    if not known.erased:
        _dispose(w)
    return Step(state=encode_state(known), decision=_decision(w), timers=open_timers(w))


def _dispose(w: Working) -> None:
    event = w.record.event
    if event == "DeadlineDue":
        ring(w, w.look(w.record, with_mother(w.state.facts, w.mother)))
        return
    if event == "DisclosureRefused":
        look = w.look(w.record, with_mother(w.state.facts, w.mother))
        tell(w, look, w.record.owner, event, relation="owner", of=w.record.dispatch_id)
        return
    if event == "DeliveryFailed":
        undelivered(w, w.look(w.record, with_mother(w.state.facts, w.mother)))
        return
    if event == "SubjectErased":
        _erase(w)
        return
    if event == "ReviewResolved":
        answer_review(w)
        _condition_routes(w)
    else:
        w.outcome = take(w, w.record)
    release_what_can_go(w)
    narrow(w, with_mother(w.state.facts, w.mother))


def _condition_routes(w: Working) -> None:
    """Routes without ``on`` that an answered review may have made true."""
    look = w.look(w.record, with_mother(w.state.facts, w.mother))
    combined = combine(w, look, condition_offers(w, look).found)
    first = len(w.dispatches)
    for route in combined.routes:
        dispatch_route(w, look, route)
    set_by_dispatches(w, first)
    set_by_rules(w, look)
    report(w, look, combined)
    questions(w, look)


def _erase(w: Working) -> None:
    w.erase.update(w.state.slots)
    state = w.state
    state.erased, state.facts, state.slots, state.items = True, {}, {}, {}
    state.deadlines, state.held_events, state.held_routes, state.reviews = [], [], [], []


def _decision(w: Working) -> Decision:
    record = w.record
    return Decision(
        event_id=record.event_id, event=record.event, case_id=record.case_id, subject=w.state.subject,
        decided_at=record.recorded_at, outcome=w.outcome,
        dispatches=tuple(sorted(w.dispatches, key=lambda d: (d.order, d.recipient, d.dispatch_id.bytes))),
        held=tuple(w.held), released=tuple(dict.fromkeys(w.released)), denied=tuple(w.denied),
        deadlines=tuple(w.deadlines), deadlines_met=tuple(w.met), deadlines_missed=tuple(w.missed),
        fired=tuple(w.fired), reviews=tuple(w.reviews), reviews_closed=tuple(w.reviews_closed),
        regrants=tuple(w.regrants), erase_groups=tuple(sorted(w.erase)), unlinked_except=w.unlinked_except,
        rules_fired=tuple(sorted(w.refs)), rule_set_hash=w.law.rule_set_hash, directory_hash=w.law.directory_hash,
        engine_version=ENGINE_VERSION,
    )  # fmt: skip

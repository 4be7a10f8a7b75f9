"""What rules saw of a record: its view, worked out again from what a receipt keeps."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from routing.consents import CONSENT_EVENTS, fold_consent
from routing.fold import folded, with_mother
from routing.law import Law
from routing.state import Recorded, SubjectState, decode_state
from routing.view import View
from routing.working import Working


def view_at(state: bytes | None, record: Recorded, law: Law, kin: Mapping[UUID, bytes], *, taken: bool) -> View:
    """The facts, as rules saw them when a record was decided.

    Args:
        taken: whether the record was accepted, so that a consent it carries counts.
    """
    known = decode_state(state) if state is not None else SubjectState(record.subject, record.child_of)
    owner = law.directory.by_slug(record.owner) if law.directory.has(record.owner) else None
    mother = kin.get(known.child_of) if known.child_of is not None else None
    w = Working(
        known, record, law, law.in_force(record.recorded_at), decode_state(mother) if mother is not None else None,
        owner.zone if owner else ZoneInfo("UTC"),
    )  # fmt: skip
    facts = folded(w.state.facts, record, w.zone)
    if taken and (record.consent is not None or record.event in CONSENT_EVENTS):
        fold_consent(w.state, record, w.zone, w.at)
    return w.view(record, with_mother(facts, w.mother))

"""Her consents: scoped, expiring, narrowed and withdrawn. Nothing here ever widens one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from contracts.durations import add, parse_duration
from routing.agency import Agency
from routing.limits import limit_of
from routing.state import ConsentHeld, ConsentText, HeldEvent, Recorded, SubjectState
from routing.targets import covers, of_side, parse_pattern


class Allowed(NamedTuple):
    """What her receipts together allow one recipient for one purpose."""

    groups: frozenset[str]
    receipts: tuple[int, ...]  # which of the subject's consents, by position


_TAKE_BACK: Final = frozenset({"ConsentNarrowed", "ConsentWithdrawn"})
CONSENT_EVENTS: Final = _TAKE_BACK | {"ConsentGiven"}


def fold_consent(
    state: SubjectState, record: Recorded, zone: ZoneInfo, at: datetime, waited: HeldEvent | None = None
) -> None:
    """Takes what a record says of consent into the subject's receipts.

    Args:
        at: now; a limit that a person set to a release counts from it.
        waited: the record as it was held until now. What she took back meanwhile stays taken back, and what
            was not fresh when she gave it is not fresh now.
    """
    given = record.consent
    if record.event in _TAKE_BACK:
        state.consents = _after(state.consents, record, zone)
        for held in state.held_events:
            if held.record.consent is not None:
                held.later.append(msgspec.structs.replace(record, facts={}, slots={}, items={}))
    elif given is not None:
        kept = [
            ConsentHeld(
                record.event_id, _until(given, record, zone), list(given.purposes), list(given.to), list(given.groups),
                fresh=waited.fresh if waited else is_fresh(state),
                for_child=given.source == "guardian" and given.assent is True,
            )
        ]  # fmt: skip
        for later in waited.later if waited else ():
            kept = _after(kept, later, zone)
        limit = limit_of(waited.cleared if waited else ())
        for one in kept:
            one.groups = limit.of(one.groups)
            for span in limit.within:
                one.until = min(one.until, add(at, parse_duration(span), zone))
        state.consents += kept


def is_fresh(state: SubjectState) -> bool:
    """Whether what she agrees to now, she agrees to after the risk was looked at for this case."""
    return state.facts.get("risk_review") is True


def _after(consents: list[ConsentHeld], record: Recorded, zone: ZoneInfo) -> list[ConsentHeld]:
    """These receipts after a withdrawal or a narrowing."""
    given = record.consent
    if given is None:
        return [] if record.event == "ConsentWithdrawn" else consents
    for consent in consents:
        if set(consent.purposes) & set(given.purposes):
            if record.event == "ConsentWithdrawn":
                consent.except_to.append((list(given.purposes), list(given.to)))
            else:
                _narrow(consent, given, _until(given, record, zone))
    return consents


def _until(given: ConsentText, record: Recorded, zone: ZoneInfo) -> datetime:
    if "-" in given.until:
        day = date.fromisoformat(given.until) + timedelta(days=1)
        return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    return add(record.recorded_at, parse_duration(given.until, "consent.until"), zone)


def _narrow(consent: ConsentHeld, given: ConsentText, until: datetime) -> None:
    """What is stated is what remains of a receipt that shares a purpose with it."""
    consent.purposes = [p for p in consent.purposes if p in given.purposes]
    consent.groups = [g for g in consent.groups if g in given.groups]
    consent.also_to.append(list(given.to))
    consent.until = min(consent.until, until)


def purposes_consented(state: SubjectState, at: datetime, *, child: bool) -> set[str]:
    """Purposes for which some receipt is valid; ``child`` as in :func:`allowed`."""
    found: set[str] = set()
    for consent in state.consents:
        if at < consent.until and (consent.for_child or not child):
            gone = {p for purposes, to in consent.except_to if set(consent.to) <= set(to) for p in purposes}
            found.update(p for p in consent.purposes if p not in gone)
    return found


def allowed(
    state: SubjectState, purpose: str, agency: Agency, address: str, at: datetime | None, *, fresh: bool = False,
    child: bool = False,
) -> Allowed | None:  # fmt: skip
    """What receipts valid for this recipient and purpose add up to; None where there is none.

    ``at`` None leaves expiry out of the question: what an earlier dispatch rested on ends by its own date.
    ``fresh`` counts those alone that she gave after the risk was looked at, ``child`` those alone that count
    for a child (R30): a guardian's, with the child's assent.
    """
    valid = [
        n for n, consent in enumerate(state.consents)
        if (consent.fresh or not fresh) and (consent.for_child or not child)
        and _valid(consent, purpose, agency, address, at)
    ]  # fmt: skip
    if not valid:
        return None
    return Allowed(frozenset({"F0"}.union(*(state.consents[n].groups for n in valid))), tuple(valid))


def _valid(consent: ConsentHeld, purpose: str, agency: Agency, address: str, at: datetime | None) -> bool:
    return (
        purpose in consent.purposes
        and (at is None or at < consent.until)
        and names(consent.to, agency, address)
        and all(names(to, agency, address) for to in consent.also_to)
        and not any(purpose in purposes and names(to, agency, address) for purposes, to in consent.except_to)
    )


def names(to: list[str], agency: Agency, address: str) -> bool:
    """Whether a consent's addresses mean this recipient. ``any@CC`` never means another state's mission."""
    for target in to:
        wanted = parse_pattern(target)
        if wanted.role == "any":
            if of_side(agency, wanted.country, foreign_missions=False):
                return True
        elif covers(target, agency, address):
            return True
    return False

"""Her consents: scoped, expiring, narrowed and withdrawn. Nothing here ever widens one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contracts.durations import add, parse_duration
from routing.agency import Agency
from routing.state import ConsentHeld, ConsentText, Recorded, SubjectState
from routing.targets import covers, of_side, parse_pattern


class Allowed(NamedTuple):
    """What her receipts together allow one recipient for one purpose."""

    groups: frozenset[str]
    receipts: tuple[int, ...]  # which of the subject's consents, by position


def fold_consent(state: SubjectState, record: Recorded, zone: ZoneInfo) -> None:
    """Takes a consent event into the subject's receipts."""
    given = record.consent
    if record.event == "ConsentWithdrawn":
        _withdraw(state, given)
    elif given is None:
        return
    elif record.event == "ConsentNarrowed":
        _narrow(state, given, _until(given, record, zone))
    else:
        state.consents.append(
            ConsentHeld(record.event_id, _until(given, record, zone), list(given.purposes), list(given.to),
                        list(given.groups), fresh=state.facts.get("risk_review") is True)
        )  # fmt: skip


def _until(given: ConsentText, record: Recorded, zone: ZoneInfo) -> datetime:
    if "-" in given.until:
        day = date.fromisoformat(given.until) + timedelta(days=1)
        return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)
    return add(record.recorded_at, parse_duration(given.until, "consent.until"), zone)


def _withdraw(state: SubjectState, given: ConsentText | None) -> None:
    if given is None:
        state.consents.clear()
        return
    for consent in state.consents:
        if set(consent.purposes) & set(given.purposes):
            consent.except_to.append((list(given.purposes), list(given.to)))


def _narrow(state: SubjectState, given: ConsentText, until: datetime) -> None:
    """What is stated is what remains of every receipt that shares a purpose with it."""
    for consent in state.consents:
        if set(consent.purposes) & set(given.purposes):
            consent.purposes = [p for p in consent.purposes if p in given.purposes]
            consent.groups = [g for g in consent.groups if g in given.groups]
            consent.also_to.append(list(given.to))
            consent.until = min(consent.until, until)


def purposes_consented(state: SubjectState, at: datetime) -> set[str]:
    """Purposes for which some receipt is valid."""
    found: set[str] = set()
    for consent in state.consents:
        if at < consent.until:
            gone = {p for purposes, to in consent.except_to if set(consent.to) <= set(to) for p in purposes}
            found.update(p for p in consent.purposes if p not in gone)
    return found


def allowed(
    state: SubjectState, purpose: str, agency: Agency, address: str, at: datetime | None, *, fresh: bool = False
) -> Allowed | None:
    """What receipts valid for this recipient and purpose add up to; None where there is none.

    ``at`` None leaves expiry out of the question: what an earlier dispatch rested on ends by its own date.
    ``fresh`` counts those alone that she gave after the risk was looked at.
    """
    valid = [
        n for n, consent in enumerate(state.consents)
        if (consent.fresh or not fresh) and _valid(consent, purpose, agency, address, at)
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

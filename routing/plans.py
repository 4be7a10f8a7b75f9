"""Offers weighed: whom a record tells, who waits and who is denied; worked out once for whoever is alike.

A first record of a subject rests on closed values alone: its view, the consents as written, the addresses stated,
who speaks and who owns the case. Two subjects that are equal in these are told to the same agencies for the same
reasons, so a law remembers the answer. It holds no id and no date: those are filled in when a dispatch is made.
"""

from __future__ import annotations

from collections.abc import Hashable

from routing.combine import Combined, combine
from routing.homes import from_elsewhere
from routing.memo import Memo
from routing.offers import Offers, condition_offers, event_offers
from routing.state import ConsentHeld
from routing.working import Look, Working

Plan = tuple[Offers, Combined]
"""What is offered, and what becomes of it. Shared: nobody may change one."""

Plans = Memo[Hashable, Plan]


def plan_of(w: Working, look: Look, cleared: tuple[str, ...]) -> Plan:
    """Offers of the event, of the rules on it and of condition routes, combined.

    Args:
        cleared: requirements that a review released for this record.
    """
    position = _position(w, look, cleared)
    if position is None:
        return _worked_out(w, look, cleared)
    plans: Plans = w.law.plans
    return plans.get(position) or plans.keep(position, _worked_out(w, look, cleared))


def _worked_out(w: Working, look: Look, cleared: tuple[str, ...]) -> Plan:
    offers = event_offers(w, look)
    for offer in offers.found:
        offer.cleared = (*offer.cleared, *cleared)
    return offers, combine(w, look, [*offers.found, *condition_offers(w, look).found])


def _position(w: Working, look: Look, cleared: tuple[str, ...]) -> Hashable | None:
    """Everything that a plan follows from; None where history takes part in it."""
    state, record = w.state, look.record
    if state.made or state.requests or state.cleared or record.answer is not None:
        return None
    period = w.law.directory.period(w.at)
    if period is None or any(one.also_to or one.except_to for one in state.consents):
        return None
    return (
        look.seen, period, record.event, record.to, record.purpose, record.priority, record.emitter, record.owner,
        w.record.owner, state.owner_address, cleared, from_elsewhere(w, look),
        *(_as_written(one, w) for one in state.consents),
    )  # fmt: skip


def _as_written(consent: ConsentHeld, w: Working) -> Hashable:
    scope = tuple(consent.purposes), tuple(consent.to), tuple(consent.groups)
    return *scope, consent.fresh, consent.for_child, w.at < consent.until

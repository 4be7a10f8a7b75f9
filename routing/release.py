"""What waits is weighed again whenever something may have changed."""

from __future__ import annotations

from routing.combine import combine
from routing.deadlines import set_by_dispatches, set_by_rules
from routing.decide import take
from routing.dispatching import dispatch_route
from routing.fold import with_mother
from routing.offers import Offer
from routing.state import HeldRoute
from routing.working import Working


def release_what_can_go(w: Working) -> None:
    """Held events first (they fold, and may free more), then held routes, oldest first."""
    progress = True
    while progress:
        progress = False
        for held in list(w.state.held_events):
            if held.record is not w.record and take(w, held.record, held) == "accepted":
                progress = True
    _release_routes(w)


def _release_routes(w: Working) -> None:
    by_event: dict[object, list[HeldRoute]] = {}
    for held in w.state.held_routes:
        if held.record.event_id != w.record.event_id:
            by_event.setdefault(held.record.event_id, []).append(held)
    for routes in by_event.values():
        record = routes[0].record
        look = w.look(record, with_mother(w.state.facts, w.mother))
        offers = [
            Offer(agency, r.address, r.relation, r.purpose, r.basis, r.priority, list(r.rules), r.named, r.order,
                  cleared=tuple(r.cleared))
            for r in routes if (agency := w.agency(r.recipient)) is not None
        ]  # fmt: skip
        first = len(w.dispatches)
        for route in combine(w, look, offers).routes:
            dispatch_route(w, look, route)
            gone = route.first.agency.slug
            w.state.held_routes = [
                h for h in w.state.held_routes
                if not (h.record.event_id == record.event_id and h.recipient == gone)
            ]  # fmt: skip
        if len(w.dispatches) > first:
            w.released.append(record.event_id)
            set_by_dispatches(w, first)
            set_by_rules(w, look)

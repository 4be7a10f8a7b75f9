"""Turns a route into a dispatch: groups granted, newest slots, notes, clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.decision import Dispatch, Note, RuleRef
from contracts.durations import add, parse_duration
from contracts.events import EVENTS
from contracts.groups import ITEM_FROM
from contracts.ids import dispatch_id
from contracts.roles import ACK_WITHIN_HOURS, DECIDE_WITHIN_HOURS
from routing.agency import Agency
from routing.basis import Rest, followed_basis
from routing.combine import Ready, Route
from routing.homes import homes_of
from routing.limits import limit_of
from routing.offers import FEEDBACK, STATISTICS, Offer, origin_side
from routing.state import Made
from routing.working import Look, Working, derived_id

SHOWN_AS_REFERRAL: Final = frozenset({"consent", "origin-notice", "consulate", "running"})
"""Rows whose records, where they make a route true, leave as ReferralSent: the record itself is nobody's business."""

NEED_RULE = "R04"
_RANK: Final = {"EMERGENCY": 0, "URGENT": 1, "ROUTINE": 2}
_ACKNOWLEDGE_WITHIN: Final = {str(rank): timedelta(hours=hours) for rank, hours in ACK_WITHIN_HOURS.items()}
_DECIDE_WITHIN: Final = {str(rank): timedelta(hours=hours) for rank, hours in DECIDE_WITHIN_HOURS.items()}


def dispatch_route(w: Working, look: Look, route: Route) -> Dispatch:
    """Makes the dispatch of a winning route and remembers it."""
    offer, rest, record, state = route.first, route.rest, look.record, w.state
    ready = route.ready = route.ready or _ready(w, look, route)
    notes = _notes(w, look, offer, rest)
    rules = tuple(sorted({*ready.rules, *(ref for note in notes for ref in note.rules)})) if notes else ready.rules
    row = EVENTS[record.event].row
    event = "ReferralSent" if ready.by_condition and row in SHOWN_AS_REFERRAL else record.event
    acknowledge_by, decide_by = _clocks(w, route, ready.priority)
    consents = [state.consents[n] for n in rest.receipts]
    made = Dispatch(
        dispatch_id=dispatch_id(record.event_id, state.subject, offer.agency.slug),
        case_id=record.case_id, subject=state.subject, event_id=record.event_id, event=event,
        recipient=offer.agency.slug, address=offer.address, relation=offer.relation, purpose=rest.purpose,
        basis=rest.basis, priority=ready.priority,
        groups={g: state.slots[g] for g in ready.groups if g in state.slots},
        items={i: state.items[i] for i in ready.items if i in state.items},
        consents=tuple([one.event_id for one in consents]),
        expires_at=_expires(w, ready.within, max([one.until for one in consents], default=None)),
        notes=notes, rules=rules, dated=w.at, order=_RANK[ready.priority] * 10 + offer.order,
        answers=record.answer.dispatch_id if record.answer else None,
        acknowledge_by=acknowledge_by, decide_by=decide_by,
    )  # fmt: skip
    _keep(w, made, record.emitter, record.emitter_address, row)
    state.routed += ready.keys
    for key in ready.keys:
        state.waiting.pop(key, None)
    return made


def _expires(w: Working, within: tuple[str, ...], until: datetime | None) -> datetime | None:
    """The end of the basis, or of a time for which a person released it, whichever is earliest."""
    ends = [add(w.at, parse_duration(span), w.zone) for span in within]
    return min([*ends, *([until] if until else [])], default=None)


def _ready(w: Working, look: Look, route: Route) -> Ready:
    groups, touched = granted(look, route.first.agency, route.first.address, route.rest)
    need = w.rules.by_id.get(NEED_RULE)
    refs = {ref for one in route.offers for ref in one.rules} | {*route.rest.rules} | touched
    stated = {one.priority for one in route.offers} | {route.rest.priority}
    keys = tuple(one.key for one in route.offers if one.key)
    limit = limit_of(word for one in route.offers for word in one.cleared)
    items = [item for item in sorted(route.rest.items) if limit.of([ITEM_FROM[item]])]
    return Ready(
        tuple(limit.of(groups)), () if route.rest.purpose == FEEDBACK else tuple(items),
        tuple(sorted(refs | ({need.ref} if need else set()))),
        min(filter(None, stated), key=_RANK.__getitem__, default="ROUTINE"), keys, len(keys) == len(route.offers),
        limit.within,
    )  # fmt: skip


def granted(look: Look, agency: Agency, address: str, rest: Rest) -> tuple[tuple[str, ...], frozenset[RuleRef]]:
    """Groups that may be opened, in order, and the rules that granted or withheld."""
    if rest.purpose == FEEDBACK:
        return (), frozenset()
    asked = (agency.slug, address, rest.groups, rest.consented)  # all that _granted reads beside the view
    found: tuple[tuple[str, ...], frozenset[RuleRef]] | None = look.seen.grants.get(asked)
    return look.seen.grants.keep(asked, _granted(look, agency, address, rest)) if found is None else found


def _granted(look: Look, agency: Agency, address: str, rest: Rest) -> tuple[tuple[str, ...], frozenset[RuleRef]]:
    groups, touched = set(rest.groups), set[RuleRef]()
    for one in look.matched.of("grant"):
        extra = one.effect.groups & (rest.consented or frozenset())
        if look.means(one.effect.to, agency, address) and extra:
            groups |= extra
            touched.add(one.rule.ref)
    for one in look.matched.of("withhold"):
        if look.means(one.effect.to or ("*",), agency, address) and not look.means(
            one.effect.except_to, agency, address
        ):
            groups -= one.effect.groups
            touched.add(one.rule.ref)
    return tuple(sorted(groups - {"F0"})), frozenset(touched)


def _notes(w: Working, look: Look, offer: Offer, rest: Rest) -> tuple[Note, ...]:
    said = look.matched.of("note")
    if not said:
        return ()
    made = []
    homes = homes_of(w, look, offer, rest.groups)
    for one in said:
        effect = one.effect
        if not look.means(effect.to or ("*",), offer.agency, offer.address, homes):
            continue
        person = look.facts.get(effect.person) if effect.person else None
        made.append(Note(effect.code, person if isinstance(person, str) else None, tuple(sorted(effect.groups)),
                         (one.rule.ref,)))  # fmt: skip
    return tuple(made)


def _clocks(w: Working, route: Route, priority: str) -> tuple[datetime | None, datetime | None]:
    if route.rest.purpose in (FEEDBACK, STATISTICS):
        return None, None
    acknowledge, decide = w.at + _ACKNOWLEDGE_WITHIN[priority], w.at + _DECIDE_WITHIN[priority]
    for offer in route.offers:
        if offer.answer_within:
            decide = min(decide, add(w.at, parse_duration(offer.answer_within), offer.agency.zone))
        ends = w.state.facts.get(offer.answer_until) if offer.answer_until else None
        if ends and datetime.fromisoformat(ends) > w.at:
            decide = min(decide, datetime.fromisoformat(ends))
    return min(acknowledge, decide), decide


def _keep(w: Working, made: Dispatch, sender: str | None, sender_address: str | None, row: str) -> None:
    w.dispatches.append(made)
    w.cite(made.rules)
    w.state.made.append(
        Made(
            made.dispatch_id, made.event_id, made.event, made.recipient, made.address, made.relation, made.purpose,
            made.basis, list(made.groups), list(made.items), list(made.consents), sender, sender_address,
            made.priority, row,
        )
    )  # fmt: skip


def tell(
    w: Working, look: Look, slug: str | None, event: str, *, address: str = "", relation: str | None = None,
    via: str | None = None, of: UUID | None = None, rules: tuple[RuleRef, ...] = (), priority: str = "ROUTINE",
    past_denials: bool = False,
) -> bool:  # fmt: skip
    """Tells a party of the case an envelope alone (FEEDBACK, F0): a deadline missed, a recall, a warning.

    Denials apply, save to a recall, which must reach whom it concerns. Whoever is no party yet hears nothing while
    a rule holds what would make it one, and nothing at all on the side of the state she comes from: that there is a
    case is itself a fact of it. Returns whether somebody was told.
    """
    agency = w.agency(slug)
    if agency is None or (slug == w.record.emitter):
        return False
    told_at = address or w.own_address(agency)
    if not past_denials and any(
        look.means(one.effect.to, agency, told_at) for one in look.matched.of("deny")
        if one.effect.to and not one.effect.event and not one.effect.purposes and not one.needs
    ):  # fmt: skip
        return False
    if not past_denials and not _is_party(w, agency) and (origin_side(look, agency) or _is_held(look, agency, told_at)):
        return False
    made = Dispatch(
        dispatch_id=dispatch_id(derived_id(w.record.event_id, event, of, via, told_at), w.state.subject, agency.slug),
        case_id=w.record.case_id, subject=w.state.subject, event_id=w.record.event_id, event=event,
        recipient=agency.slug, address=told_at, relation=relation, purpose=FEEDBACK, basis=followed_basis(w, look),
        priority=priority, rules=rules, dated=w.at, via=via, order=_RANK[priority] * 10 + 5, answers=of,
    )  # fmt: skip
    if all(made.dispatch_id != one.dispatch_id for one in w.dispatches):
        w.dispatches.append(made)
    w.cite(rules)
    return True


def _is_party(w: Working, agency: Agency) -> bool:
    """The owner, or told of her before."""
    return agency.slug == w.record.owner or any(one.recipient == agency.slug for one in w.state.made)


def _is_held(look: Look, agency: Agency, address: str) -> bool:
    """Whether a rule holds whatever might be told this agency."""
    return any(
        look.means(one.effect.to, agency, address) and not look.means(one.effect.except_to, agency, address)
        for one in look.matched.of("hold")
        if one.effect.to and not one.effect.event and not one.effect.purposes and not one.effect.bases
        and (not one.needs or look.matched.unmet(one))
    )  # fmt: skip

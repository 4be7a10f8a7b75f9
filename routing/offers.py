"""Offers: whom an event or a rule would tell, before basis, denials and holds are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from contracts.address import RELATIONS
from contracts.decision import RuleRef
from contracts.events import ALL, EVENTS, EventType
from routing.agency import Agency
from routing.compiled import Compiled
from routing.replies import answered
from routing.targets import of_side
from routing.working import Look, Working

FEEDBACK: Final = "FEEDBACK"
STATISTICS: Final = "STATISTICS"
TAKES_BACK: Final = frozenset({"MessageRecalled", "ReferralWithdrawn"})
"""Events whose ``to`` says from whom something is taken back; they tell nobody there anything new."""
_PLACES: Final = {"host": "place", "origin": "origin", "landing": "landing", "sender": "emitter_country"}
_RELATION_TOLD_BY_NARROWING: Final = frozenset({"consent"})


@dataclass(slots=True)
class Offer:
    """One recipient that an event or a rule would tell."""

    agency: Agency
    address: str
    relation: str | None
    purpose: str
    basis: str | None = None
    priority: str | None = None
    rules: list[RuleRef] = field(default_factory=list)
    named: int = 0
    order: int = 0
    key: str | None = None  # of a condition route: rule/effect/recipient
    answer_within: str | None = None
    answer_until: str | None = None
    cleared: tuple[str, ...] = ()
    over: bool = False


@dataclass(slots=True)
class Offers:
    """All offers of one record. ``unmet``: a role that had to be reached and has no holder or no place."""

    found: list[Offer] = field(default_factory=list)
    to_emitter: bool = False
    to_itself: bool = False  # a relation (owner, requester) is the emitter: it knows
    unresolved: int = 0


def event_offers(w: Working, look: Look) -> Offers:
    """The event's own recipients, the addresses in ``to``, and routes that rules make on this event."""
    offers, record = Offers(), look.record
    event = EVENTS[record.event]
    if event.scope == "none":
        return offers
    _own_recipients(w, look, event, offers)
    if record.event == "MessageRecalled" and record.answer is not None:  # what a recipient could still do about it
        for relation in ("counterpart", "owner"):
            _relation(w, look, event, relation, offers)
    for address in () if record.event in TAKES_BACK else record.to:
        if address in RELATIONS:
            _relation(w, look, event, address, offers)
        else:
            _roles(w, look, event, (address,), offers)
    for one in look.matched.of("route"):
        if one.effect.on is not None:
            _rule(w, look, event, one, offers)
    if event.hidden_from_origin:
        offers.found = [o for o in offers.found if not origin_side(look, o.agency)]
    return offers


def _own_recipients(w: Working, look: Look, event: EventType, offers: Offers) -> None:
    for recipient in event.recipients:
        if recipient.when == "child" and not look.seen.child:
            continue
        if recipient.when == "baby" and not look.seen.baby:
            continue
        if recipient.target == ALL:
            offers.found += [Offer(a, w.own_address(a), None, STATISTICS) for a in w.law.directory.agencies
                             if a.slug != look.record.emitter and a.addresses(w.at)]  # fmt: skip
        elif recipient.place is None:
            _relation(w, look, event, recipient.target, offers)
        else:
            template = f"{recipient.target}@{{{_PLACES[recipient.place]}}}"
            _roles(w, look, event, look.expand(template), offers)


def condition_offers(w: Working, look: Look) -> Offers:
    """Routes without ``on`` that were not made yet."""
    offers = Offers()
    for one in look.matched.of("route"):
        if one.effect.on is None:
            _rule(w, look, EVENTS[look.record.event], one, offers)
    return offers


def origin_side(look: Look, agency: Agency) -> bool:
    """Whether an agency is on the side of a state that she comes from and is not in."""
    return any(of_side(agency, country) for country in look.places["origin_abroad"] if len(country) == 2)


def _roles(w: Working, look: Look, event: EventType, addresses: tuple[str, ...], offers: Offers) -> None:
    resolved = [pair for address in addresses for pair in w.agencies(address)]
    offers.unresolved += not resolved
    for agency, address in resolved:
        role = address.partition("@")[0].partition(".")[0]
        purpose = look.record.purpose or w.law.purposes.default_purpose(role, event)
        if event.scope == "counts":
            purpose = STATISTICS
        if agency.slug == look.record.emitter:
            offers.to_emitter = True
        elif purpose is None:
            offers.unresolved += 1
        else:
            offers.found.append(Offer(agency, address, None, str(purpose), priority=look.record.priority))


def _rule(w: Working, look: Look, event: EventType, one: Compiled, offers: Offers) -> None:
    effect = one.effect
    for template in effect.to:
        for address in look.expand(template):
            for agency, told in w.agencies(address) if address not in RELATIONS else parties(w, look, address):
                role = told.partition("@")[0].partition(".")[0]
                own = look.record.purpose if effect.on is not None else None
                purpose = own or effect.purpose or w.law.purposes.default_purpose(role, event)
                key = f"{one.key}/{agency.slug}" if effect.on is None else None
                if agency.slug == look.record.emitter:
                    offers.to_emitter = True
                elif purpose is not None and (key is None or key not in w.state.routed):
                    offers.found.append(Offer(
                        agency, told, None, str(purpose), effect.basis, effect.priority or look.record.priority,
                        [one.rule.ref], one.named, effect.order, key, effect.answer_within, effect.answer_until,
                        tuple(w.state.cleared.get(key, ())) if key else (), effect.over,
                    ))  # fmt: skip


def _relation(w: Working, look: Look, event: EventType, relation: str, offers: Offers) -> None:
    if relation == "past_recipients" and (event.row in _RELATION_TOLD_BY_NARROWING or _is_partial(look)):
        return
    for agency, address in parties(w, look, relation):
        if agency.slug == look.record.emitter:
            offers.to_emitter = offers.to_itself = True
            continue
        purpose = str(w.law.purposes.default_purpose(relation, event) or FEEDBACK)
        offers.found.append(Offer(agency, address, relation, purpose, priority=look.record.priority))


def _is_partial(look: Look) -> bool:
    """Whether something is taken back from some alone: narrowing tells these, and nobody whose referral stands."""
    record = look.record
    return record.event in TAKES_BACK and any(target not in RELATIONS for target in record.to)


def parties(w: Working, look: Look, relation: str) -> list[tuple[Agency, str]]:
    """The agencies that stand in a relation to the record's case, each with the role in which it is told."""
    slugs: list[tuple[str | None, str]] = []
    record, event = look.record, EVENTS[look.record.event]
    replied_to = answered(w.state, record)
    if relation == "owner":
        slugs = [(record.owner, "")]
    elif relation == "counterpart" and replied_to is not None:
        slugs = [(replied_to.sender or record.owner, replied_to.sender_address or "")]
    elif relation == "requester":
        asked = w.state.requests.get(event.row)
        sender = (replied_to.sender, replied_to.sender_address or "") if replied_to else asked
        slugs = [sender] if sender else []
    elif relation == "former_host":
        slugs = [(record.owner, "")] + [(m.recipient, m.address) for m in _told(w) if m.purpose == "SHELTER"]
    elif relation == "past_recipients":
        slugs = [(m.recipient, m.address) for m in _told(w)]
    found: dict[str, tuple[Agency, str]] = {}
    for slug, address in slugs:
        agency = w.agency(slug)
        if agency is not None:
            found.setdefault(agency.slug, (agency, address or w.own_address(agency)))
    return list(found.values())


def _told(w: Working):  # type: ignore[no-untyped-def]
    return [m for m in w.state.made if m.purpose != FEEDBACK and not m.recalled]

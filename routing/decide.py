"""One record decided: is it taken, whom does it tell, who waits, who is denied, what follows."""

from __future__ import annotations

import msgspec

from contracts.decision import Denied, Held, RuleRef
from contracts.events import EVENTS
from routing.answers import take_answer
from routing.combine import Combined, Weighed, asks_of
from routing.consents import CONSENT_EVENTS, fold_consent, is_fresh
from routing.deadlines import meet, set_by_dispatches, set_by_rules
from routing.dispatching import dispatch_route
from routing.effects import escalations, other_effects
from routing.fold import folded, overtake, remember, with_mother
from routing.offers import FEEDBACK, Offers
from routing.plans import plan_of
from routing.reviews import DESK_OF, open_review
from routing.state import HeldEvent, HeldRoute, Recorded
from routing.targets import parse_pattern
from routing.working import Look, Working

REPORTED = frozenset({"ReferralSent"})
"""Sent is a fact (glossary of the design): it is recorded, and its routes wait or are denied one by one."""


def take(w: Working, record: Recorded, retry: HeldEvent | None = None) -> str:
    """Decide a record (or, with ``retry``, one that was held) and fold it if it is taken. Returns the outcome."""
    overtaken = retry.overtaken if retry else ()
    facts = folded(w.state.facts, record, w.zone, overtaken)
    look = w.look(record, with_mother(facts, w.mother))
    cleared = tuple(retry.cleared) if retry else ()
    verdict, asks, rules = _event_verdict(look, cleared)
    if verdict == "accepted" and record.answer is not None and not take_answer(w, record):
        verdict = "denied"
    if verdict != "accepted":
        return _not_taken(w, look, verdict, asks, rules, retry)
    if record.consent is not None or record.event == "ConsentWithdrawn":
        record = _with_consent_folded(w, look, retry)
        look = w.look(record, look.facts)
    offers, combined = plan_of(w, look, cleared)
    verdict = _request_verdict(record, offers, combined)
    if verdict != "accepted":
        asks, rules = _why(combined, verdict)
        return _not_taken(w, look, verdict, asks, rules, retry, combined)
    _carry_out(w, look, facts, offers, combined, retry)
    return "accepted"


def _with_consent_folded(w: Working, look: Look, retry: HeldEvent | None) -> Recorded:
    """Fold the consent that a record carries; returns the record as it goes on.

    On an event of another kind a consent counts as one given beside it, if the rules about consents take it at
    once; it is folded there and then, and never again when the event itself waits.
    """
    record = look.record
    if record.event in CONSENT_EVENTS:
        fold_consent(w.state, record, w.zone, w.at, retry)
        return record
    given = w.look(msgspec.structs.replace(record, event="ConsentGiven"), look.facts)
    verdict, asks, rules = _event_verdict(given, ())
    if verdict == "accepted":
        fold_consent(w.state, record, w.zone, w.at, retry)
    else:
        w.denied.append(
            Denied(event="ConsentGiven", event_id=record.event_id, asks=tuple(asks), rules=tuple(rules))
        )
        w.cite(rules)
    return msgspec.structs.replace(record, consent=None)


def _carry_out(
    w: Working, look: Look, facts: dict[str, object], offers: Offers, combined: Combined, retry: HeldEvent | None
) -> None:
    earlier = w.state.held_events if retry is None else w.state.held_events[: w.state.held_events.index(retry)]
    if earlier:
        overtake(earlier, w.state.facts, look.record)
    w.state.facts = facts
    remember(w.state, look.record, retry.overtaken if retry else ())
    w.cite(one.rule.ref for one in look.matched.effects if one.effect.kind != "cite" and not one.effect.event)
    _cite_met(w, look)
    if retry is not None:
        w.released.append(look.record.event_id)
        w.state.held_events = [h for h in w.state.held_events if h is not retry]
    meet(w, look.record)
    first = len(w.dispatches)
    for route in combined.routes:
        dispatch_route(w, look, route)
    set_by_dispatches(w, first)
    set_by_rules(w, look)
    report(w, look, combined)
    _denied_sides(w, look)
    other_effects(w, look)
    _unreached(w, look, offers, combined)


def _event_verdict(look: Look, cleared: tuple[str, ...]) -> tuple[str, list[str], list[RuleRef]]:
    """Whether a rule denies or holds the event itself. Facts are recorded whatever a rule says; a reply is none."""
    record = look.record
    if record.answer is None and (not EVENTS[record.event].is_refusable or record.event in REPORTED):
        return "accepted", [], []
    for kind, verdict in (("deny", "denied"), ("hold", "held")):
        asks: list[str] = []
        rules: list[RuleRef] = []
        for one in look.matched.of(kind):
            if not one.effect.event:
                continue
            unmet = look.matched.unmet(one) if kind == "deny" else asks_of(look, one)
            unmet = tuple(ask for ask in unmet if kind == "deny" or ask not in cleared)
            if unmet or (kind == "deny" and not one.needs):
                asks += unmet
                rules.append(one.rule.ref)
        if rules:
            return verdict, list(dict.fromkeys(asks)), sorted(set(rules))
    return "accepted", [], []


def _request_verdict(record: Recorded, offers: Offers, combined: Combined) -> str:
    """A request or proposal that nobody may hear is denied; one that reaches nobody yet waits."""
    refusable = EVENTS[record.event].kind in ("request", "proposal") and record.event not in REPORTED
    if not refusable or offers.to_itself:
        return "accepted"
    asked = {offer.agency.slug for offer in offers.found}
    roles = {offer.agency.slug for offer in offers.found if offer.purpose != FEEDBACK}
    purposes = {offer.purpose for offer in offers.found} - {FEEDBACK}
    reached = any(
        route.first.agency.slug in asked or route.rest.purpose in purposes  # another desk for the same need
        for route in combined.routes
    )
    denied = {group[0].offer.agency.slug for group in combined.denied}
    if roles and roles <= denied:
        return "denied"
    if reached or not asked:
        return "accepted"
    waits = any(one.offer.key is None for group in combined.waiting for one in group)
    return "held" if waits else "accepted"


def _why(combined: Combined, verdict: str) -> tuple[list[str], list[RuleRef]]:
    groups = combined.denied if verdict == "denied" else combined.waiting
    against = [one for group in groups for one in group if one.offer.key is None]
    asks = dict.fromkeys(ask for one in against for ask in one.asks())
    return list(asks), sorted({ref for one in against for ref in (*one.against(), *one.offer.rules)})


def _not_taken(
    w: Working, look: Look, verdict: str, asks: list[str], rules: list[RuleRef], retry: HeldEvent | None,
    combined: Combined | None = None,
) -> str:  # fmt: skip
    record = look.record
    if retry is not None:
        if verdict == "denied":
            w.state.held_events = [h for h in w.state.held_events if h is not retry]
            w.denied.append(Denied(event=record.event, event_id=record.event_id, asks=tuple(asks), rules=tuple(rules)))
            w.cite(rules)
        else:
            retry.asks, retry.rules = asks, rules
        return verdict
    w.cite(rules)
    if verdict == "held":
        w.held.append(Held(event=record.event, event_id=record.event_id, asks=tuple(asks), rules=tuple(rules)))
        w.state.held_events.append(HeldEvent(record, asks, rules, fresh=is_fresh(w.state)))
        _hold_reviews(w, look, asks, rules)
    else:
        w.denied.append(Denied(event=record.event, event_id=record.event_id, asks=tuple(asks), rules=tuple(rules)))
        escalations(w, look)
    if combined is not None:
        for group in combined.waiting:
            if verdict == "held" and any(one.offer.key is None for one in group):
                w.held.append(_held(record, [one for one in group if one.offer.key is None]))
        w.denied += [_denied(record, group) for group in combined.denied]
    return verdict


def report(w: Working, look: Look, combined: Combined) -> None:
    """Waiting and denied recipients; condition routes are told of once, and again when what they ask changes."""
    record = look.record
    slim = msgspec.structs.replace(record, facts={}, slots={}, items={}, consent=None)
    for group in combined.waiting:
        fresh = [one for one in group if one.offer.key is None or w.state.waiting.get(one.offer.key) != one.asks()]
        for one in group:
            if one.offer.key is not None:
                w.state.waiting[one.offer.key] = one.asks()
            else:
                w.state.held_routes.append(_held_route(slim, one))
        if fresh:
            held = _held(record, fresh)
            w.held.append(held)
            w.cite(held.rules)
            _hold_reviews(w, look, list(held.asks), list(held.rules))
    for group in combined.denied:
        w.denied.append(_denied(record, group))
        w.cite(w.denied[-1].rules)


def _held_route(slim: Recorded, one: Weighed) -> HeldRoute:
    offer = one.offer
    return HeldRoute(slim, offer.agency.slug, offer.address, offer.relation, offer.purpose, offer.basis,
                     offer.priority, list(offer.rules), offer.named, offer.order, one.asks())  # fmt: skip


def _held(record: Recorded, group: list[Weighed]) -> Held:
    offer = group[0].offer
    rules = {ref for one in group for ref in (*one.against(), *one.offer.rules)}
    asks = dict.fromkeys(ask for one in group for ask in one.asks())
    return Held(event=record.event, event_id=record.event_id, recipient=offer.agency.slug, address=offer.address,
                purpose=group[0].purpose, asks=tuple(asks), rules=tuple(sorted(rules)))  # fmt: skip


def _denied(record: Recorded, group: list[Weighed]) -> Denied:
    offer = group[0].offer
    asks = dict.fromkeys(ask for one in group for ask in one.asks())
    return Denied(event=record.event, event_id=record.event_id, recipient=offer.agency.slug, address=offer.address,
                  asks=tuple(asks), rules=tuple(sorted({ref for one in group for ref in one.against()})))  # fmt: skip


def _denied_sides(w: Working, look: Look) -> None:
    """Sides that are denied outright, recorded even where nobody offered them a route."""
    found: dict[str, set[RuleRef]] = {}
    for one in look.matched.of("deny"):
        if one.effect.event or one.effect.purposes or (one.needs and not look.matched.unmet(one)):
            continue
        for template in one.effect.to:
            for pattern in look.expand(template):
                if "@" in pattern:
                    found.setdefault(pattern, set()).add(one.rule.ref)
    for pattern, refs in found.items():
        side = parse_pattern(pattern)
        if side.role in ("any", "state"):
            for other, more in found.items():
                inner = parse_pattern(other)
                if side.country in (inner.country, inner.state):
                    refs |= more
    known = {one.address for one in w.denied}
    w.denied += [
        Denied(event=look.record.event, event_id=look.record.event_id, address=pattern, rules=tuple(sorted(refs)))
        for pattern, refs in sorted(found.items()) if pattern not in known
    ]  # fmt: skip


def _hold_reviews(w: Working, look: Look, asks: list[str], rules: list[RuleRef]) -> None:
    """A hold that a person can release asks that person; one that only she or an event can, waits for that."""
    record = look.record
    for ask in asks:
        one = next((m for m in look.matched.of("hold") if m.effect.review and ask in asks_of(look, m)), None)
        if one is not None:
            open_review(w, look, f"{ask}/{record.event_id}", record.event_id, one.rule.title,
                        desk=one.effect.review or DESK_OF.get(ask, "owner"), asks=(ask,), rules=(one.rule.ref,),
                        second=one.effect.second)  # fmt: skip
    for absent in look.absent:
        if "review" in asks:
            open_review(w, look, f"absent/{absent.id}/{record.event_id}", record.event_id, absent.title,
                        asks=("review",), rules=(RuleRef(absent.id, "absent"),), second=True)  # fmt: skip


def _unreached(w: Working, look: Look, offers: Offers, combined: Combined) -> None:
    """An event that must reach a role and neither reaches nor waits for anyone opens a review."""
    record = look.record
    role_named = EVENTS[record.event].must_reach_a_role or bool(record.to)
    reached = any(route.rest.purpose != FEEDBACK for route in combined.routes)
    waits = any(one.offer.purpose != FEEDBACK for group in combined.waiting for one in group)
    if not role_named or reached or waits or offers.to_emitter or EVENTS[record.event].scope != "person":
        return
    if all(o.purpose == FEEDBACK for o in offers.found) and not offers.unresolved:
        return
    rules = sorted({ref for group in combined.denied for one in group for ref in one.against()})
    open_review(w, look, f"unreached/{record.event_id}", record.event_id, "the event reaches nobody who must act",
                options=("name_recipient", "close"), rules=tuple(rules))  # fmt: skip


def _cite_met(w: Working, look: Look) -> None:
    """Rules of which this record met a requirement are among its reasons."""
    which = f"{w.law.rule_set_hash[:16]}/{len(w.rules.rules)}"
    before = int.from_bytes(w.state.needs_bits, "big") if w.state.needs_set == which else w.rules.nothing_known
    w.cite(rule.ref for rule in w.rules.newly_met(before, look.matched.bits))
    bits = look.matched.bits
    w.state.needs_bits, w.state.needs_set = bits.to_bytes((bits.bit_length() + 7) // 8, "big"), which

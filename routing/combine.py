"""Combination per recipient: any deny wins, a hold stops what it covers, of the rest most facts named wins."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from contracts.decision import RuleRef
from routing.basis import CONSENT_RULE, Rest, is_child, rest_of
from routing.compiled import Compiled
from routing.consents import allowed
from routing.homes import homes_of
from routing.offers import FEEDBACK, Offer
from routing.targets import NAMED, covers
from routing.working import Look, Working

Reasons = tuple[tuple[RuleRef, tuple[str, ...]], ...]
"""Rules, each with what it asks for."""


class Stand(NamedTuple):
    """What stands against telling one recipient: denials, holds, and holds whose requirement is met."""

    denied: Reasons
    held: Reasons
    satisfied: frozenset[RuleRef]


@dataclass(slots=True)
class Weighed:
    """An offer with what it rests on and what stands against it."""

    offer: Offer
    rest: Rest | None
    denied: Reasons
    held: Reasons
    satisfied: frozenset[RuleRef]

    @property
    def purpose(self) -> str:
        """The purpose it would be told for."""
        return self.rest.purpose if self.rest else self.offer.purpose

    def asks(self) -> list[str]:
        """What it waits for, or what the denial misses."""
        return list(dict.fromkeys(ask for _, asks in (self.denied or self.held) for ask in asks))

    def against(self) -> list[RuleRef]:
        """Rules that stand against it; R01 where nothing carries it."""
        return sorted({ref for ref, _ in (self.denied or self.held)})


class Ready(NamedTuple):
    """What every dispatch of a route has in common."""

    groups: tuple[str, ...]  # in order
    items: tuple[str, ...]
    rules: tuple[RuleRef, ...]
    priority: str
    keys: tuple[str, ...]  # of the condition routes in it
    by_condition: bool  # no event offered it
    within: tuple[str, ...]  # for how long persons released it


@dataclass(slots=True)
class Route:
    """What one recipient gets: the offers of one purpose and basis, as one."""

    offers: list[Offer]
    rest: Rest
    ready: Ready | None = None  # worked out when its first dispatch is made

    @property
    def first(self) -> Offer:
        """The offer that names most facts."""
        return self.offers[0]


@dataclass(slots=True)
class Combined:
    """Per recipient: the route that goes, or what waits, or what is denied."""

    routes: list[Route] = field(default_factory=list)
    waiting: list[list[Weighed]] = field(default_factory=list)
    denied: list[list[Weighed]] = field(default_factory=list)


def combine(w: Working, look: Look, offers: list[Offer]) -> Combined:
    """Weigh all offers of one record, recipient by recipient (sorted by slug)."""
    by_recipient: dict[str, list[Weighed]] = {}
    alike: dict[tuple[object, ...], Weighed] = {}
    for offer in offers:
        key = (offer.agency.slug, offer.address, offer.purpose, offer.basis, offer.relation, offer.cleared,
               offer.key is None)  # fmt: skip
        one = alike.get(key)
        if one is None:
            one = alike[key] = weigh(w, look, offer)
        by_recipient.setdefault(offer.agency.slug, []).append(
            one if one.offer is offer else Weighed(offer, one.rest, one.denied, one.held, one.satisfied)
        )
    made = Combined()
    for _, all_weighed in sorted(by_recipient.items()):
        free = [one for one in all_weighed if not one.denied and not one.held]
        waiting = [one for one in all_weighed if not one.denied and one.held]
        denied = [one for one in all_weighed if one.denied]
        if free:
            made.routes.append(_strongest(free))
        elif waiting:
            made.waiting.append(waiting)
        if denied and not free:
            made.denied.append(denied)
    return made


def _strongest(free: list[Weighed]) -> Route:
    groups: dict[tuple[str, str], list[Weighed]] = {}
    for one in free:
        assert one.rest is not None
        groups.setdefault((one.rest.purpose, one.rest.basis), []).append(one)
    strongest = free if len(groups) == 1 else max(groups.values(), key=lambda group: _rank(group, free))
    best = sorted(strongest, key=lambda one: -one.offer.named)
    rest = best[0].rest
    assert rest is not None
    rules = tuple(sorted({ref for one in best if one.rest for ref in (*one.rest.rules, *one.satisfied)}))
    return Route([one.offer for one in best], rest._replace(rules=rules))


def _rank(group: list[Weighed], free: list[Weighed]) -> tuple[int, bool, bool, bool, int]:
    named = max(one.offer.named for one in group)
    over, by_rule = any(one.offer.over for one in group), any(one.offer.rules for one in group)
    return named, group[0].purpose != FEEDBACK, over, by_rule, -min(free.index(one) for one in group)


def weigh(w: Working, look: Look, offer: Offer) -> Weighed:
    """One offer against basis, denials and holds."""
    afresh = _asking_afresh(look, offer)
    rest = rest_of(w, look, offer, fresh=bool(afresh))
    purpose = rest.purpose if rest else offer.purpose
    basis = rest.basis if rest else None
    homes = homes_of(w, look, offer, rest.groups if rest else w.state.slot_from)
    stand = _stand(look, offer, purpose, basis, homes)
    held = stand.held
    if afresh and allowed(
        w.state, purpose, offer.agency, offer.address, w.at, fresh=True, child=is_child(look)
    ) is None:  # fmt: skip
        held = (*held, *((ref, ("consent",)) for ref in afresh))
    if rest is None:
        rule = w.rules.by_id.get(CONSENT_RULE)
        held = (*held, (rule.ref if rule else RuleRef(CONSENT_RULE, ""), ("consent",)))
    if look.absent and purpose != FEEDBACK and "review" not in offer.cleared:
        held = (*held, *((RuleRef(absent.id, "absent"), ("review",)) for absent in look.absent))
    return Weighed(offer, rest, stand.denied, held, stand.satisfied)


def _asking_afresh(look: Look, offer: Offer) -> tuple[RuleRef, ...]:
    """Rules for which an older consent to tell this recipient does not count. No desk can release this."""
    if offer.purpose == FEEDBACK:
        return ()
    return tuple(
        one.rule.ref for one in look.matched.of("hold")
        if one.effect.fresh_consent and _hits(look, one, offer, offer.purpose)
    )  # fmt: skip


def _stand(look: Look, offer: Offer, purpose: str, basis: str | None, homes: frozenset[str]) -> Stand:
    """What the rules in force put against telling this recipient for this purpose on this basis."""
    # Everything that _stands and _hits read beside the view: whoever lets them read more must add it here.
    asked = (offer.agency.slug, offer.address, purpose, basis, homes, offer.cleared, look.record.to)
    found: Stand | None = look.seen.stands.get(asked)
    return look.seen.stands.keep(asked, _stands(look, offer, purpose, basis, homes)) if found is None else found


def _stands(look: Look, offer: Offer, purpose: str, basis: str | None, homes: frozenset[str]) -> Stand:
    denied = tuple(
        (one.rule.ref, look.matched.unmet(one)) for one in look.matched.of("deny")
        if not one.effect.event and _speaks(look, one) and _hits(look, one, offer, purpose, homes)
    )  # fmt: skip
    held: list[tuple[RuleRef, tuple[str, ...]]] = []
    satisfied: set[RuleRef] = set()
    for one in look.matched.of("hold"):
        if one.effect.event or one.effect.fresh_consent or (purpose == FEEDBACK and not one.effect.purposes):
            continue
        if one.effect.bases and basis not in one.effect.bases:
            continue
        asks = tuple(a for a in asks_of(look, one) if a not in offer.cleared)
        if not _hits(look, one, offer, purpose, homes):
            continue
        if asks:
            held.append((one.rule.ref, asks))
        else:
            satisfied.add(one.rule.ref)
    return Stand(denied, tuple(held), frozenset(satisfied))


def asks_of(look: Look, one: Compiled) -> tuple[str, ...]:
    """What a hold still asks for; its own word where it names no requirement."""
    return look.matched.unmet(one) if one.needs else one.effect.asks or ("review",)


def _speaks(look: Look, one: Compiled) -> bool:
    return not one.needs or bool(look.matched.unmet(one))


def _hits(look: Look, one: Compiled, offer: Offer, purpose: str, homes: Collection[str] = ()) -> bool:
    effect = one.effect
    if effect.purposes and purpose not in effect.purposes:
        return False
    if NAMED in effect.except_to and any(covers(t, offer.agency, offer.address) for t in look.record.to):
        return False
    return (
        not effect.to or look.means(effect.to, offer.agency, offer.address, homes)
    ) and not look.means(effect.except_to, offer.agency, offer.address, homes)

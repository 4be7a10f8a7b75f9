"""On what a route rests: the basis its rule names, else her consent, else a rule that needs none, else nothing."""

from __future__ import annotations

from typing import NamedTuple

from contracts.decision import RuleRef
from contracts.events import EVENTS
from routing.consents import allowed
from routing.homes import homes_of
from routing.offers import FEEDBACK, STATISTICS, Offer
from routing.targets import covers
from routing.working import Look, Working

CONSENT_RULE = "R01"


class Rest(NamedTuple):
    """What a route rests on, and the most it may carry. No id and no date, so that whoever is alike may share it."""

    purpose: str
    basis: str
    groups: frozenset[str]
    items: frozenset[str]
    consented: frozenset[str] | None  # groups inside consent; a rule's grant cannot go beyond
    receipts: tuple[int, ...] = ()  # the subject's consents it rests on, by position
    rules: tuple[RuleRef, ...] = ()
    priority: str | None = None


def rest_of(w: Working, look: Look, offer: Offer, *, fresh: bool = False) -> Rest | None:
    """What the offer rests on; None: nothing yet, so R01 holds it. ``fresh``: of her consents only later ones count."""
    if offer.purpose == FEEDBACK:
        return Rest(FEEDBACK, followed_basis(w, look), frozenset({"F0"}), frozenset(), frozenset())
    if EVENTS[look.record.event].scope == "counts":  # no person, so nobody's consent: a count rests on no more
        return Rest(STATISTICS, "statute", frozenset({"F0"}), frozenset(), None)
    if offer.basis not in (None, "consent"):
        return _named(w, offer, offer.purpose, str(offer.basis), ())
    by_consent = allowed(w.state, offer.purpose, offer.agency, offer.address, w.at, fresh=fresh, child=is_child(look))
    if by_consent is not None:
        most = w.law.purposes.most(offer.purpose, "consent", offer.relation == "requester")
        rule = w.rules.by_id.get(CONSENT_RULE)
        return Rest(
            offer.purpose, "consent", most.groups & by_consent.groups, most.items,
            by_consent.groups, by_consent.receipts, (rule.ref,) if rule else (),
        )  # fmt: skip
    for one in look.matched.of("basis"):
        effect = one.effect
        if not _covered(look, offer, effect.to, effect.named):
            continue
        rest = _named(w, offer, effect.purpose or offer.purpose, str(effect.basis), (one.rule.ref,))
        if not effect.within_border or homes_of(w, look, offer, rest.groups) == {offer.agency.country}:
            return rest._replace(priority=effect.priority)
    return None


def is_child(look: Look) -> bool:
    """Whether only a guardian's consent, with assent, counts for her (R30)."""
    return look.seen.child


def _covered(look: Look, offer: Offer, to: tuple[str, ...], named: bool) -> bool:
    if named and not any(covers(target, offer.agency, offer.address) for target in look.record.to):
        return False
    return look.means(to, offer.agency, offer.address)


def _named(w: Working, offer: Offer, purpose: str, basis: str, rules: tuple[RuleRef, ...]) -> Rest:
    most = w.law.purposes.most(purpose, basis, offer.relation == "requester")
    return Rest(purpose, basis, most.groups, most.items, None, rules=rules)


def followed_basis(w: Working, look: Look) -> str:
    """FEEDBACK rests on what it follows: the dispatch answered, else the newest made, else what the case has."""
    answer = look.record.answer
    for made in reversed(w.state.made):
        if made.purpose != FEEDBACK and (answer is None or made.dispatch_id == answer.dispatch_id):
            return made.basis
    if w.state.consents:
        return "consent"
    return "child_duty" if is_child(look) else "statute"

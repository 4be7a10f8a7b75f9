"""Questions for a person: opened where the rules cannot decide, answered by who is competent."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from contracts.decision import ReviewOpened, RuleRef
from contracts.durations import add, parse_duration
from routing.limits import mark
from routing.state import Deadline, OpenReview
from routing.working import Look, Working, derived_id

RELEASABLE: Final[dict[str, frozenset[str]]] = {
    "cpa_agreement": frozenset({"CPA"}),
    "best_interests": frozenset({"CPA"}),
    "guardian": frozenset({"CPA"}),
    "risk_review": frozenset({"NGO-H", "NGO-O", "SHA"}),
    "legal_review": frozenset({"LEG"}),
    "transfer_file": frozenset({"LEG", "DPA"}),
    "frozen": frozenset(),
    "review": frozenset(),
}
"""What a release can supply, and roles that may besides desk and owner. Consent is not among it: only she gives it."""

DESK_OF: Final = {
    "cpa_agreement": "CPA@{place}", "best_interests": "CPA@{place}", "guardian": "CPA@{place}",
    "legal_review": "LEG@{place}", "transfer_file": "LEG@{place}",
}  # fmt: skip
FACTS_SUPPLIED: Final = frozenset({"cpa_agreement", "best_interests", "guardian", "risk_review", "transfer_file"})
OWN_DESK_ONLY: Final = frozenset({"cpa_agreement", "best_interests", "guardian"})
"""Decisions about a child that the case's owner cannot take in the desk's stead."""


def open_review(
    w: Working, look: Look, key: str, event_id: UUID, reason: str, *, desk: str = "owner",
    asks: tuple[str, ...] = (), options: tuple[str, ...] = ("release", "refuse"), rules: tuple[RuleRef, ...] = (),
    second: bool = False, within: str | None = None,
) -> None:  # fmt: skip
    """Opens a review once per key. An unknown desk falls to the owner: a question must reach somebody."""
    if key in w.state.review_keys:
        return
    w.state.review_keys.append(key)
    slug, address = _desk(w, look, desk)
    review_id = derived_id(w.state.subject, "review", key)
    due = add(w.at, parse_duration(within), w.zone) if within else None
    if due is not None and within is not None:
        w.state.deadlines.append(_unanswered(w, look, review_id, event_id, (slug, address), due, within, rules))
    w.state.reviews.append(
        OpenReview(review_id, event_id, look.record.event, slug, address, list(asks), list(rules), second)
    )
    w.reviews.append(ReviewOpened(
        review_id=review_id, event_id=event_id, event=look.record.event, desk=slug, desk_address=address,
        reason=reason, asks=asks, options=options, needs_second_person=second, due_at=due, rules=rules,
    ))  # fmt: skip
    w.cite(rules)


def _unanswered(
    w: Working, look: Look, review_id: UUID, event_id: UUID, desk: tuple[str, str], due: datetime, within: str,
    rules: tuple[RuleRef, ...],
) -> Deadline:  # fmt: skip
    """A question that must be answered in time escalates to its desk and the case's owner."""
    return Deadline(
        derived_id(review_id, "unanswered"), _key(review_id), event_id, [], None, None, *desk, due, within, [], None,
        "escalate", list(rules), [], look.record.emitter, "URGENT",
    )  # fmt: skip


def _key(review_id: UUID) -> str:
    return f"review/{review_id}"


def _desk(w: Working, look: Look, desk: str) -> tuple[str, str]:
    if desk not in ("owner", "operator"):
        for address in look.expand(desk):
            for agency, told in w.agencies(address):
                return agency.slug, told
    if desk == "operator":
        return "operator", "operator"
    owner = w.agency(w.record.owner)
    return w.record.owner, w.own_address(owner) if owner else "owner"


def may_answer(w: Working, review: OpenReview | None, asks: list[str]) -> bool:
    """Whether the emitter may answer: the desk, the owner, or a role competent for everything that is asked."""
    record = w.record
    role = (record.emitter_address or "").partition("@")[0]
    by_role = bool(asks) and all(role in RELEASABLE.get(ask, ()) for ask in asks)
    if review is not None and record.emitter == review.desk:
        return True
    if set(asks) & OWN_DESK_ONLY:
        return by_role
    return by_role or record.emitter == record.owner


def answer_review(w: Working) -> None:
    """Takes a person's answer. What is released is weighed again: a release never overrules a denial or consent."""
    answer, state = w.record.review, w.state
    if answer is None:  # nobody's answer to nothing
        w.outcome = "denied"
        return
    review = next((r for r in state.reviews if r.review_id == answer.review_id), None)
    event_id = review.event_id if review else answer.of_event
    held_events = [h for h in state.held_events if h.record.event_id == event_id]
    held_routes = [r for r in state.held_routes if r.record.event_id == event_id]
    # Who answers one question answers that one: another that the same event waits for is somebody else's.
    waits = [a for h in held_events for a in h.asks] + [a for r in held_routes for a in r.asks]
    waits = review.asks if review else waits
    asks = [ask for ask in dict.fromkeys(waits) if ask in RELEASABLE]
    if review is None and not held_events and not held_routes:
        w.outcome = "denied"
        return
    if not may_answer(w, review, asks) or (review is not None and review.second and not answer.second
                                           and answer.action == "release"):  # fmt: skip
        w.outcome = "denied"
        return
    closed = [r for r in state.reviews if r is review or (review is None and r.event_id == event_id)]
    state.reviews = [r for r in state.reviews if r not in closed]
    w.reviews_closed += [r.review_id for r in closed]
    answered = {_key(r.review_id) for r in closed}
    state.deadlines = [one for one in state.deadlines if one.key not in answered]
    for one in closed:
        w.cite(one.rules)
    if answer.action == "refuse":
        # Of what the event waits for, a question refuses its own part; what waits for her consent goes on waiting.
        state.held_events = [h for h in state.held_events if h not in held_events or not _refused(review, h.asks)]
        state.held_routes = [r for r in state.held_routes if r not in held_routes or not _refused(review, r.asks)]
        return
    if answer.limit is None:
        state.facts = {**state.facts, **{ask: True for ask in asks if ask in FACTS_SUPPLIED}}
    let_go = [*asks, *([mark(answer.limit)] if answer.limit else [])]
    for cleared in [h.cleared for h in held_events] + [r.cleared for r in held_routes]:
        cleared += [ask for ask in let_go if ask not in cleared]
    for key in [k for k, waits in state.waiting.items() if set(waits) & set(asks)]:
        state.cleared[key] = sorted({*state.cleared.get(key, ()), *let_go})


def _refused(review: OpenReview | None, waits_for: list[str]) -> bool:
    """Whether a refusal ends what waits: all of an event that is refused as such, else what the question was about."""
    return review is None or bool(set(waits_for) & set(review.asks))

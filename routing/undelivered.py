"""Whom to tell when a machine could not tell somebody: the sender, and for what is urgent the telephone."""

from __future__ import annotations

from uuid import UUID

from contracts.decision import RuleRef
from contracts.roles import Priority
from routing.dispatching import tell
from routing.working import Look, Working

TELEPHONED = (Priority.EMERGENCY, Priority.URGENT)
"""Priorities that do not wait for a machine to come back."""


def undelivered(w: Working, look: Look) -> None:
    """A lane parked or was refused: sender and owner hear of it; an urgent dispatch goes to the duty number."""
    made = w.state.dispatched(w.record.dispatch_id)
    if made is None:
        return
    for slug in dict.fromkeys((made.sender, w.record.owner)):
        relation = "owner" if slug == w.record.owner else None
        tell(w, look, slug, w.record.event, relation=relation, of=made.dispatch_id, priority=made.priority)
    if made.priority in TELEPHONED:
        telephone(w, look, made.recipient, made.address, w.record.event, made.dispatch_id, priority=made.priority)


def telephone(
    w: Working,
    look: Look,
    slug: str | None,
    address: str,
    event: str,
    of: UUID | None,
    rules: tuple[RuleRef, ...] = (),
    priority: str = "EMERGENCY",
) -> None:
    """A call task for the recipient's duty number; where it has none, for its alternate."""
    duty = f"{address.partition('/')[0]}/duty"
    reached = False
    for agency, _ in w.agencies(duty) if address else []:
        reached |= tell(
            w, look, agency.slug, event, address=duty, via="duty_phone", of=of, rules=rules, priority=priority
        )
    owner = w.agency(slug)
    if not reached and owner is not None and owner.alternate:
        tell(w, look, owner.alternate, event, via="duty_phone", of=of, rules=rules, priority=priority)

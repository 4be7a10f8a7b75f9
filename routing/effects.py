"""Effects that are neither routes nor brakes on them: escalate, unlink, erase, review."""

from __future__ import annotations

from contracts.address import RELATIONS
from contracts.decision import Fired
from contracts.groups import ITEM_FROM, items_from
from routing.dispatching import tell
from routing.offers import parties
from routing.reviews import open_review
from routing.state import SubjectState
from routing.working import Look, Working


def other_effects(w: Working, look: Look) -> None:
    """Carries out what the rules in force say beside routes, holds and deadlines."""
    escalations(w, look)
    for one in look.matched.effects:
        effect = one.effect
        if effect.kind == "unlink":
            w.state.unlinked = True
            w.unlinked_except = tuple(sorted({*(w.unlinked_except or ()), *_slugs(w, look, effect.except_to)}))
        elif effect.kind == "erase":
            w.erase |= set(map(str, effect.groups)) & erasable(w.state)
            w.state.slots = {group: slot for group, slot in w.state.slots.items() if group not in effect.groups}
            gone = items_from(effect.groups)
            w.state.items = {item: slot for item, slot in w.state.items.items() if item not in gone}
    questions(w, look)


def questions(w: Working, look: Look) -> None:
    """Asks the persons whom rules ask; of a question about addresses, again where they have become others."""
    for one in look.matched.of("review"):
        effect = one.effect
        about = sorted(address for template in effect.to for address in look.expand(template))
        open_review(w, look, "/".join([one.key, *about]), look.record.event_id, one.rule.title,
                    desk=effect.review or "owner", asks=effect.asks, options=effect.options or ("release", "refuse"),
                    rules=(one.rule.ref,), second=effect.second,
                    within=effect.within[0] if effect.within else None)  # fmt: skip


def escalations(w: Working, look: Look) -> None:
    """Tells those whom a rule names that something goes against it; what was denied for that too."""
    for one in look.matched.of("escalate"):
        if not one.needs or look.matched.unmet(one):
            _escalate(w, look, one.effect.tell, (one.rule.ref,))


def erasable(state: SubjectState) -> set[str]:
    """Groups that something of hers stands under: a slot, or an item that is a part of the group."""
    return {*state.slots, *(str(ITEM_FROM[item]) for item in state.items)}


def _escalate(w: Working, look: Look, templates: tuple[str, ...], rules: tuple) -> None:  # type: ignore[type-arg]
    who = _slugs(w, look, templates or ("owner",))
    w.fired.append(Fired(event="Escalated", of=look.record.event_id, who=tuple(who), rules=rules))
    w.cite(rules)
    for slug in who:
        tell(w, look, slug, "Escalated", of=look.record.event_id, rules=rules, priority="URGENT")


def _slugs(w: Working, look: Look, templates: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for template in templates:
        if template == "owner":
            found.append(w.record.owner)
        elif template in RELATIONS:
            found += [agency.slug for agency, _ in parties(w, look, template)]
        elif "@" in template:
            found += [a.slug for address in look.expand(template) for a, _ in w.agencies(address)]
    if w.record.emitter is not None and not templates:
        found.append(w.record.emitter)
    return list(dict.fromkeys(found))

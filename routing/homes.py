"""Out of which countries what an offer carries would go: what is abroad is said of the data, not of who speaks."""

from __future__ import annotations

from collections.abc import Iterable

from routing.offers import Offer
from routing.working import Look, Working


def homes_of(w: Working, look: Look, offer: Offer, groups: Iterable[str]) -> frozenset[str]:
    """The countries from which these groups come.

    An event's own recipients are told by its emitter, from there. A route that a condition opened may be opened
    by anybody's record: it carries what others sealed before, from where they sealed it.
    """
    here = str(look.places.get("emitter_country", ""))
    own = frozenset({here} if here else ())
    if offer.key is None:
        return own
    standing = _standing(w, look, here)
    return frozenset(standing[group] for group in groups if standing.get(group)) or own


def from_elsewhere(w: Working, look: Look) -> frozenset[tuple[str, str]]:
    """(group, country) of all that stands, if any of it was sealed elsewhere than where the emitter is."""
    here = str(look.places.get("emitter_country", ""))
    if all(country == here for country in w.state.slot_from.values()):
        return frozenset()
    return frozenset(_standing(w, look, here).items())


def _standing(w: Working, look: Look, here: str) -> dict[str, str]:
    """Group → country of all that is sealed, the record's own groups included."""
    return {**w.state.slot_from, **dict.fromkeys(look.record.slots, here)}

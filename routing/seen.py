"""What a view alone decides, under one rule set: worked out once, used by every subject that looks alike.

A view holds closed values only: no id, no date, no name, nothing that would tell one subject from another. Of a view
the engine reads no more than what stands here: which clauses it meets, the places in it, whether she counts as a
child and is a baby. Two views that are equal in these are one, however else they differ.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from routing.absent import Absent
from routing.agency import Agency
from routing.compiled import Matched
from routing.memo import Memo
from routing.targets import covers, expand
from routing.view import View
from routing.vocabulary import CHILD_AGES, PLACE_NAMES, TRUE

VIEWS_KEPT: Final = 4096
"""Views a law remembers: a few kilobytes each."""

ANSWERS_KEPT: Final = 64
"""Recipients about whom each of them remembers what stands against telling them, and what they may open."""

ViewKey = frozenset[tuple[str, str | frozenset[str]]]


class Likeness(NamedTuple):
    """All that the engine reads of a view, beside the rules that it meets."""

    bits: int
    places: tuple[str | frozenset[str] | None, ...]  # in the order of PLACE_NAMES
    child: bool  # or of doubtful age
    baby: bool
    absent: tuple[str, ...]  # ids of the rules that are not in yet and would speak


def likeness(bits: int, view: View, absent: tuple[Absent, ...]) -> Likeness:
    """What a view comes down to."""
    return Likeness(
        bits, tuple([view.get(name) for name in PLACE_NAMES]), view.get("age") in CHILD_AGES, view.get("baby") == TRUE,
        tuple([one.id for one in absent]),
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class Seen:
    """A view as far as it matters, what matches it, and what followed from both so far."""

    places: View
    child: bool
    baby: bool
    matched: Matched
    absent: tuple[Absent, ...]
    filled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stands: Memo[Hashable, Any] = field(default_factory=lambda: Memo(ANSWERS_KEPT))  # of routing.combine
    grants: Memo[Hashable, Any] = field(default_factory=lambda: Memo(ANSWERS_KEPT))  # of routing.dispatching

    @classmethod
    def of(cls, like: Likeness, matched: Matched, absent: tuple[Absent, ...]) -> Seen:
        """From what a view comes down to."""
        places = {name: place for name, place in zip(PLACE_NAMES, like.places, strict=True) if place is not None}
        return cls(places, like.child, like.baby, matched, absent)

    def expand(self, template: str) -> tuple[str, ...]:
        """The addresses that a template of a rule means here; worked out once."""
        found = self.filled.get(template)
        if found is None:
            found = self.filled[template] = expand(template, self.places)
        return found

    def means(
        self, templates: tuple[str, ...], agency: Agency, address: str, homes: Collection[str] = ()
    ) -> bool:
        """Whether a recipient (agency, and the role in which it is told) falls under one of these templates."""
        for template in templates:
            for pattern in self.expand(template):
                if covers(pattern, agency, address, homes):
                    return True
        return False

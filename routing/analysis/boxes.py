"""Conditions as sets of states of facts: what meets, what covers what, and a state that is left over.

A clause is a product of one set per fact, so nothing is enumerated. A one-valued fact contributes the values it may
have; a fact with several values contributes *hits* (sets of which at least one value must be there) and *misses*
(values none of which may be there). Any non-empty set of a fact's values counts as possible, and facts are taken
as independent of each other: what is found impossible here is impossible, what is found possible may still be a
state that no case reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.errors import InvalidInput
from routing.conditions import Clause, FactTest
from routing.vocabulary import FACTS, UNSET

PIECES_MAX: Final = 200_000
"""Pieces a subtraction may fall into before it is given up; the committed rules need some hundreds."""


@dataclass(frozen=True, slots=True)
class Side:
    """What a box allows of one fact: ``hits`` is empty for a one-valued fact, whose values are ``all - misses``."""

    hits: frozenset[frozenset[str]] = frozenset()
    misses: frozenset[str] = frozenset()


Box = Mapping[str, Side]
EVERYTHING: Final[Box] = {}


def box_of(clause: Clause) -> Box:
    """The states in which a clause holds."""
    return {fact: _side(fact, test) for fact, test in clause.items()}


def _side(fact: str, test: FactTest) -> Side:
    if FACTS[fact].several:
        return Side(frozenset(test.wanted()), test.none)
    allowed = frozenset.intersection(FACTS[fact].values, *test.wanted()) - test.none
    return Side(frozenset(), FACTS[fact].values - allowed)


def is_empty(box: Box) -> bool:
    """Whether no state lies in it."""
    return any(_empty(fact, side) for fact, side in box.items())


def _empty(fact: str, side: Side) -> bool:
    left = FACTS[fact].values - side.misses
    return not left or any(not hit & left for hit in side.hits)


def meet(a: Box, b: Box) -> Box | None:
    """The states in both; None if there are none."""
    made = dict(a)
    for fact, side in b.items():
        mine = made.get(fact)
        both = side if mine is None else Side(mine.hits | side.hits, mine.misses | side.misses)
        if _empty(fact, both):
            return None
        made[fact] = both
    return None if is_empty(made) else made


def minus(box: Box, other: Box) -> list[Box]:
    """The states of ``box`` outside ``other``, as boxes that do not meet."""
    if meet(box, other) is None:
        return [] if is_empty(box) else [box]
    left: list[Box] = []
    rest = dict(box)
    for fact, side in other.items():
        mine = rest.get(fact, Side())
        for opposite in _opposites(fact, side):
            outside = Side(mine.hits | opposite.hits, mine.misses | opposite.misses)
            if not _empty(fact, outside):
                left.append({**rest, fact: outside})
            # what follows stays inside this requirement
            inside = _negated(fact, opposite)
            mine = Side(mine.hits | inside.hits, mine.misses | inside.misses)
        rest[fact] = mine
        if _empty(fact, mine):
            break
    return left


def _opposites(fact: str, side: Side) -> list[Side]:
    """One for each requirement of a side: what it is not to be."""
    if not FACTS[fact].several:
        return [Side(frozenset(), FACTS[fact].values - side.misses)]
    found = [Side(frozenset(), hit) for hit in sorted(side.hits, key=sorted)]
    return [*found, Side(frozenset({side.misses}))] if side.misses else found


def _negated(fact: str, opposite: Side) -> Side:
    if not FACTS[fact].several:
        return Side(frozenset(), FACTS[fact].values - opposite.misses)
    if opposite.hits:
        return Side(frozenset(), next(iter(opposite.hits)))
    return Side(frozenset({opposite.misses}))


def left_over(boxes: Iterable[Box], covering: Sequence[Box]) -> Box | None:
    """A part of ``boxes`` that no box of ``covering`` covers; None if all is covered.

    Raises:
        InvalidInput: ``too-many-pieces``: the rules cut the domain too finely to answer.
    """
    waiting = [(box, 0) for box in boxes if not is_empty(box)]
    done = 0
    while waiting:
        box, index = waiting.pop()
        done += 1
        if done > PIECES_MAX:
            raise InvalidInput("the rules cut the facts too finely to be compared", code="too-many-pieces",
                               remedy="Check the rule files one by one.")  # fmt: skip
        while index < len(covering) and meet(box, covering[index]) is None:
            index += 1
        if index == len(covering):
            return box
        waiting += [(piece, index + 1) for piece in minus(box, covering[index])]
    return None


def boxes_of(clauses: Iterable[Clause]) -> list[Box]:
    """The boxes of a condition's alternatives, without impossible ones."""
    return [box for clause in clauses if not is_empty(box := box_of(clause))]


def state_in(box: Box) -> dict[str, str | frozenset[str]]:
    """One state of a box, the facts it does not name left out. Prefers known values to ``unset``."""
    return {fact: _pick(fact, side) for fact, side in sorted(box.items()) if side.misses or side.hits}


def _pick(fact: str, side: Side) -> str | frozenset[str]:
    left = FACTS[fact].values - side.misses
    if not FACTS[fact].several:
        return _best(left)
    hits = frozenset(_best(hit & left) for hit in side.hits)
    return hits or frozenset({_best(left)})


def _best(values: frozenset[str]) -> str:
    return min(values, key=lambda value: (value in (UNSET, "none", "unknown"), value))


def in_words(box: Box) -> str:
    """A box as a lawyer would write it: ``age: child, found_in: TH``."""
    parts = []
    for fact, value in state_in(box).items():
        words = "+".join(sorted(value)) if isinstance(value, frozenset) else value
        parts.append(f"{fact}: {words}")
    return ", ".join(parts) or "any facts"

"""Conditions over facts, as a lawyer writes them, turned into plain alternatives.

    when:
      found_in: TH                              # equal
      trafficking_status: [Possible…, Actual…]  # one of
      exploitation: {any: [Surrogacy], none: [ForcedLabour]}
      any_of:                                   # or
      - {age: child}
      - {asylum: [fear, claimed]}

All keys must hold. A condition becomes a list of clauses (alternatives); each clause tests every fact once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from contracts.errors import InvalidInput
from contracts.yaml_text import LocatedDict
from routing.vocabulary import FACTS, UNSET

View = Mapping[str, str | frozenset[str]]
"""A subject's facts at one instant: one value each, or the set of values where there may be several."""


@dataclass(frozen=True, slots=True)
class FactTest:
    """Of a fact's values at least one is in ``any`` (if given), and none is in ``none``.

    ``also``: further sets, each of which must hold a value too. Where a person may have several values, one test for
    Laos and another for Thailand are met by somebody of both, and by no one value.
    """

    any: frozenset[str] | None = None
    none: frozenset[str] = frozenset()
    also: tuple[frozenset[str], ...] = ()

    def holds(self, values: frozenset[str]) -> bool:
        """Whether these values pass."""
        return not (values & self.none) and all(values & wanted for wanted in self.wanted())

    def wanted(self) -> tuple[frozenset[str], ...]:
        """The sets of each of which some value must be there."""
        return self.also if self.any is None else (self.any, *self.also)

    def joined(self, other: FactTest, *, several: bool) -> FactTest:
        """Both tests at once, of a fact that may have several values or of one that has one."""
        none = self.none | other.none
        wanted = tuple(dict.fromkeys((*self.wanted(), *other.wanted())))
        if not wanted:
            return FactTest(None, none)
        if several:
            return FactTest(wanted[0], none, wanted[1:])
        return FactTest(frozenset.intersection(*wanted), none)


Clause = Mapping[str, FactTest]
ALWAYS: tuple[Clause, ...] = ({},)


def holds(clauses: tuple[Clause, ...], view: View) -> bool:
    """The plain meaning of a condition; the bitsets of :mod:`routing.compiled` must agree with it."""
    return any(all(test.holds(_values(view, fact)) for fact, test in clause.items()) for clause in clauses)


def _values(view: View, fact: str) -> frozenset[str]:
    found = view.get(fact, UNSET)
    return found if isinstance(found, frozenset) else frozenset((found,))


def read_condition(written: LocatedDict | None) -> tuple[Clause, ...]:
    """Read a ``when`` mapping.

    Raises:
        InvalidInput: unknown fact or value, or a test of nothing; names ``file:line`` and the nearest known word.
    """
    clauses: list[dict[str, FactTest]] = [{}]
    for fact, value in (written or {}).items():
        if fact == "any_of":
            _not_empty(written, fact, value)
            choices = [clause for part in value for clause in read_condition(part)]
            clauses = [_both(left, right) for left in clauses for right in choices]
        else:
            assert written is not None
            test = _test(written, fact, value)
            clauses = [_both(clause, {fact: test}) for clause in clauses]
    return tuple(clauses)


def both(left: tuple[Clause, ...], right: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """The alternatives under which two conditions hold together."""
    return tuple(_both(a, b) for a in left for b in right)


def _both(left: Clause, right: Clause) -> dict[str, FactTest]:
    made = dict(left)
    for fact, test in right.items():
        made[fact] = made[fact].joined(test, several=FACTS[fact].several) if fact in made else test
    return made


def known_values(at: LocatedDict, fact: str, value: Any) -> frozenset[str]:
    """A fact's values as a file states them, one or several.

    Raises:
        InvalidInput: unknown fact or value; names ``file:line`` and the nearest known word.
    """
    _known(at, fact)
    return _words(at, fact, value)


def _known(at: LocatedDict, fact: str) -> None:
    if fact not in FACTS:
        raise _refusal(at, fact, f"{fact} is not a fact", fact, list(FACTS))


def _test(at: LocatedDict, fact: str, value: Any) -> FactTest:
    _known(at, fact)
    _not_empty(at, fact, value)
    if isinstance(value, dict):
        for key, words in value.items():
            if key not in ("any", "none"):
                raise _refusal(at, fact, f"{key} is not a kind of test", key, ["any", "none"])
            _not_empty(at, fact, words)
        wanted = _words(at, fact, value["any"]) if "any" in value else None
        return FactTest(wanted, _words(at, fact, value.get("none", [])))
    return FactTest(_words(at, fact, value))


def _not_empty(at: LocatedDict | None, fact: str, value: Any) -> None:
    """An empty list is met by everybody or by nobody, and yet counts as a fact named where offers are ranked."""
    if at is not None and value in ([], {}):
        raise InvalidInput(f"{fact} is tested for nothing", code="bad-rule", field=at.where(fact),
                           remedy=f"Name values, or leave {fact} out.")  # fmt: skip


def _words(at: LocatedDict, fact: str, value: Any) -> frozenset[str]:
    words = [_word(item) for item in (value if isinstance(value, list) else [value])]
    for word in words:
        if word not in FACTS[fact].values:
            raise _refusal(at, fact, f"{word} is not a value of {fact}", word, sorted(FACTS[fact].values))
    return frozenset(words)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refusal(at: LocatedDict, key: str, message: str, word: str, known: list[str]) -> InvalidInput:
    close = get_close_matches(word, known, n=1, cutoff=0.4)
    remedy = f"Did you mean {close[0]}?" if close else "See routing/vocabulary.py for the closed lists."
    return InvalidInput(message, code="bad-rule", field=at.where(key), remedy=remedy)

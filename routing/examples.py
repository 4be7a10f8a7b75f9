"""A rule's own examples: facts on which it must speak, and facts on which it must be silent."""

from __future__ import annotations

from typing import Any

from contracts.errors import InvalidInput
from contracts.yaml_text import LocatedDict
from routing.conditions import known_values
from routing.rule import Example
from routing.vocabulary import FACTS


def read_examples(written: Any, rule: LocatedDict) -> tuple[Example, ...]:
    """Read ``examples: {match: [{found_in: TH}], not: [{found_in: LA}]}``.

    Raises:
        InvalidInput: ``bad-rule`` with ``file:line``: another shape, an unknown fact or value, or two values of a
            fact that has one.
    """
    if written is None:
        return ()
    if not isinstance(written, LocatedDict) or not set(written) <= {"match", "not"}:
        raise _refusal(rule, "examples", "examples need match and not", "Write examples: {match: [...], not: [...]}.")
    found = []
    for kind in ("match", "not"):
        for row in _rows(written, kind):
            facts = {fact: _values(row, fact) for fact in row}
            found.append(Example(facts, kind == "match", row.where()))
    return tuple(found)


def _rows(written: LocatedDict, kind: str) -> list[LocatedDict]:
    rows = written.get(kind) or []
    if not isinstance(rows, list) or not all(isinstance(row, LocatedDict) for row in rows):
        raise _refusal(written, kind, "not a list of facts", f"Write {kind}: [{{found_in: TH}}].")
    return rows


def _values(row: LocatedDict, fact: str) -> str | frozenset[str]:
    values = known_values(row, fact, row[fact])
    if FACTS[fact].several:
        return values
    if len(values) != 1:
        raise _refusal(row, fact, f"a person has one {fact} at a time", "Write one value; add another example.")
    return next(iter(values))


def _refusal(at: LocatedDict, key: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="bad-rule", field=at.where(key), remedy=remedy)

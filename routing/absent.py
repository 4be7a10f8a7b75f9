"""Facts that only an absent rule reads: until that rule is written, stating such a fact holds and asks a person.

Otherwise a rule that is not in yet would fail open: the very fact that should narrow would change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from contracts.yaml_text import load_yaml
from routing.conditions import Clause, read_condition
from routing.rule_text import refusal


@dataclass(frozen=True, slots=True)
class Absent:
    """A rule that is not in yet, and the facts at which it would speak."""

    id: str
    title: str
    when: tuple[Clause, ...]


def read_absent(text: str, file: str) -> tuple[Absent, ...]:
    """Read ``absent.yaml``: ``[{id, title, when}]``.

    Raises:
        InvalidInput: a row without id, title or condition, or with an unknown fact; ``file:line``.
    """
    rows = (load_yaml(text, file) if text.strip() else None) or []
    for row in rows:
        if set(row) != {"id", "title", "when"}:
            raise refusal(row, None, "an absent rule needs id, title and when", "Give exactly these three.")
    return tuple(Absent(row["id"], row["title"], read_condition(row["when"])) for row in rows)

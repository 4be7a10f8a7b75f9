"""Words for people: a rule by its title, with its confidence mark."""

from __future__ import annotations

from collections.abc import Callable

from contracts.decision import RuleRef

TitleOf = Callable[[RuleRef], tuple[str, str] | None]


class Titles:
    """Titles of rules, asked of the rule set in force.

    Args:
        title_of: rule → title in plain words and confidence mark, or None where that version is gone.
    """

    def __init__(self, title_of: TitleOf) -> None:
        self._title_of = title_of

    def of(self, rule: RuleRef) -> str:
        """``R21: Notify the origin focal point (S/A)``."""
        found = self._title_of(rule)
        return rule.id if found is None else f"{rule.id}: {found[0]} ({found[1]})"

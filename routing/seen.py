"""What a view alone decides, under one rule set: worked out once, used by every subject that looks alike.

A view holds closed values only: no id, no date, no name, nothing that would tell one subject from another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from contracts.decision import RuleRef
from routing.absent import Absent
from routing.agency import Agency
from routing.compiled import Matched
from routing.memo import Memo
from routing.targets import covers, expand
from routing.view import View

VIEWS_KEPT: Final = 2048
"""Views a law remembers: a few kilobytes each."""

_RECIPIENTS_KEPT: Final = 256

ViewKey = frozenset[tuple[str, str | frozenset[str]]]
Reasons = tuple[tuple[RuleRef, tuple[str, ...]], ...]
"""Rules, each with what it asks for."""


@dataclass(frozen=True, slots=True)
class Stand:
    """What stands against telling one recipient: denials, holds, and holds whose requirement is met."""

    denied: Reasons
    held: Reasons
    satisfied: frozenset[RuleRef]


@dataclass(slots=True)
class Seen:
    """A view, what matches it, and what followed from both so far."""

    view: View
    matched: Matched
    absent: tuple[Absent, ...]
    filled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stands: Memo[tuple[object, ...], Stand] = field(default_factory=lambda: Memo(_RECIPIENTS_KEPT))
    granted: Memo[tuple[object, ...], tuple[tuple[str, ...], frozenset[RuleRef]]] = field(
        default_factory=lambda: Memo(_RECIPIENTS_KEPT)
    )

    def expand(self, template: str) -> tuple[str, ...]:
        """The addresses that a template of a rule means here; worked out once."""
        found = self.filled.get(template)
        if found is None:
            found = self.filled[template] = expand(template, self.view)
        return found

    def means(self, templates: tuple[str, ...], agency: Agency, address: str, emitter_country: str = "") -> bool:
        """Whether a recipient (agency, and the role in which it is told) falls under one of these templates."""
        for template in templates:
            for pattern in self.expand(template):
                if covers(pattern, agency, address, emitter_country):
                    return True
        return False

"""What a view alone decides, under one rule set: worked out once, used by every subject that looks alike.

A view holds closed values only: no id, no date, no name, nothing that would tell one subject from another.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from routing.absent import Absent
from routing.agency import Agency
from routing.compiled import Matched
from routing.targets import covers, expand
from routing.view import View

VIEWS_KEPT: Final = 4096
"""Views a law remembers: a few kilobytes each."""

ViewKey = frozenset[tuple[str, str | frozenset[str]]]

@dataclass(slots=True, eq=False)
class Seen:
    """A view, what matches it, and what followed from both so far."""

    view: View
    matched: Matched
    absent: tuple[Absent, ...]
    filled: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def expand(self, template: str) -> tuple[str, ...]:
        """The addresses that a template of a rule means here; worked out once."""
        found = self.filled.get(template)
        if found is None:
            found = self.filled[template] = expand(template, self.view)
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

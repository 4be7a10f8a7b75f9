"""How far a person's release goes: to some groups alone, for some time alone.

``F0 F3 30d``: what is released carries no more than these groups and opens no longer than that. A release with a
limit lets go what waited for it; it supplies no fact, so whatever comes later is asked about again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from contracts.durations import parse_duration
from contracts.errors import InvalidInput
from contracts.roles import Group

_MARK: Final = "limit:"


class Limit(NamedTuple):
    """``groups`` None: all that are granted; ``within`` empty: as long as the basis allows, else the earliest end."""

    groups: frozenset[str] | None = None
    within: tuple[str, ...] = ()

    def of(self, groups: Iterable[str]) -> list[str]:
        """Of these groups those within the limit, in the same order."""
        return [group for group in groups if self.groups is None or group in self.groups]


def read_limit(text: str) -> Limit:
    """Read a limit: groups, a duration, or both, with spaces between.

    Raises:
        InvalidInput: ``bad-limit``; neither a group nor one duration.
    """
    groups = [word for word in text.split() if word in set(Group)]
    rest = [word for word in text.split() if word not in groups]
    if not text.split() or len(rest) > 1:
        raise _bad()
    for word in rest:
        try:
            parse_duration(word, "limit")
        except InvalidInput:
            raise _bad() from None
    return Limit(frozenset(groups) if groups else None, tuple(rest))


def mark(text: str) -> str:
    """A limit as it stands among what was cleared."""
    return _MARK + text


def limit_of(cleared: Iterable[str]) -> Limit:
    """The limit of what was cleared; of several, what all of them allow."""
    groups: frozenset[str] | None = None
    within: tuple[str, ...] = ()
    for one in cleared:
        if one.startswith(_MARK):
            found = read_limit(one.removeprefix(_MARK))
            groups = found.groups if groups is None else groups if found.groups is None else groups & found.groups
            within = (*within, *found.within)
    return Limit(groups, within)


def _bad() -> InvalidInput:
    return InvalidInput("a limit names groups, a duration, or both", code="bad-limit", field="limit",
                        remedy="Write F3, 30d or 'F0 F3 30d'.")  # fmt: skip

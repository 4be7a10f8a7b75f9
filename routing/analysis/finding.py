"""A finding about a rule set: how bad, where, what, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``where`` is ``file:line`` or the thing concerned; ``code`` is stable, for programs."""

    severity: Severity
    code: str
    where: str
    sentence: str
    remedy: str

    def as_json(self) -> dict[str, str]:
        """Plain values for ``--json``."""
        return {
            "severity": self.severity, "code": self.code, "where": self.where, "sentence": self.sentence,
            "remedy": self.remedy,
        }  # fmt: skip


def sorted_findings(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, then by file and line; each said once."""

    def place(one: Finding) -> tuple[int, str, int, str]:
        file, _, line = one.where.rpartition(":")
        number = int(line) if line.isdecimal() else 0
        return SEVERITIES.index(one.severity), file, number, one.sentence

    return tuple(sorted(set(found), key=place))

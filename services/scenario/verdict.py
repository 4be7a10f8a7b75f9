"""The result of one expectation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from services.scenario.model import Expectation


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an expectation holds, why not in words, and what was there instead."""

    passed: bool
    why: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)


def holds(seen: Iterable[dict[str, Any]] = ()) -> Verdict:
    """It holds."""
    return Verdict(True, seen=list(seen))


def fails(why: str, seen: Iterable[dict[str, Any]] = ()) -> Verdict:
    """It does not, and why."""
    return Verdict(False, why, list(seen))


def lacking_rules(one: Expectation, reasons: Iterable[str]) -> str:
    """The rules that should be among the reasons and are not, as a phrase; empty: none lacks."""
    missing = sorted(set(one.keys.get("rules", ())) - set(reasons))
    return f"not for {', '.join(missing)}" if missing else ""


def listed(words: Iterable[str]) -> str:
    """Words in a row, ``nothing`` where there are none."""
    return ", ".join(words) or "nothing"

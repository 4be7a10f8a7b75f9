"""The result of a file: every expectation with what was there, in the order of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from services.scenario.model import Expectation, Scenario
from services.scenario.trace import Run
from services.scenario.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """One expectation and its verdict. ``where``: the step's id, ``finally`` or ``expect``."""

    where: str
    expectation: Expectation
    verdict: Verdict
    variant: str = ""

    def place(self) -> dict[str, str]:
        """Where it stands in the file."""
        return {"variant": self.variant, "step": self.where} if self.variant else {"step": self.where}


@dataclass(slots=True)
class Result:
    """What a file's play showed. ``problems``: outcomes and promises that no expectation names."""

    slug: str
    title: str
    file: str
    checked: list[Checked] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    assumes: tuple[str, ...] = ()
    scenario: Scenario | None = None
    runs: dict[str, Run] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Every expectation holds and nothing else is wrong."""
        return not self.problems and all(c.verdict.passed for c in self.checked)

    def as_json(self) -> dict[str, Any]:
        """One object: ``scenario``, ``passed``, ``expected``, ``actual``, ``problems``, ``assumes``."""
        return {
            "scenario": self.slug,
            "passed": self.passed,
            "expected": [{**c.place(), **c.expectation.written} for c in self.checked],
            "actual": [
                {
                    **c.place(),
                    "passed": c.verdict.passed,
                    "why": c.verdict.why,
                    c.expectation.kind: c.verdict.seen,
                }
                for c in self.checked
            ],
            "problems": self.problems,
            "assumes": list(self.assumes),
            "file": self.file,
        }

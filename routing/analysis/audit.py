"""All checks over a rule set, with progress."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from routing.analysis.dates import dates
from routing.analysis.finding import Finding, sorted_findings
from routing.analysis.reach import absent_there, event_gaps, out_of_reach, roles
from routing.analysis.shadows import contradictions, shadows
from routing.analysis.speeches import speeches
from routing.law import Law

Progress = Callable[[str], None]
STEPS: Final = (
    "dates and citations", "impossible and shadowed effects", "contradictions", "roles and owners",
    "effects out of reach", "events that reach nobody",
)  # fmt: skip


def audit(law: Law, day: date, progress: Progress = lambda step: None) -> tuple[Finding, ...]:
    """Everything that is doubtful in a law on a day, worst first.

    Args:
        progress: called with the name of each step (:data:`STEPS`) before it begins.

    Raises:
        InvalidInput: ``too-many-pieces``; see :mod:`routing.analysis.boxes`.
    """
    spoken = speeches(law.rules, day)
    found: list[Finding] = []
    progress(STEPS[0])
    found += dates(law.rules, day)
    found += absent_there((one.id for one in law.absent), (rule.id for rule in law.rules))
    progress(STEPS[1])
    found += shadows(spoken)
    progress(STEPS[2])
    found += contradictions(spoken)
    progress(STEPS[3])
    found += roles(spoken, law.directory, day)
    progress(STEPS[4])
    found += out_of_reach(spoken)
    progress(STEPS[5])
    found += event_gaps(spoken, law.purposes)
    return sorted_findings(found)

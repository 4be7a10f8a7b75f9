"""What only takes away: the closed list that closes a subject's gate before the router has run.

Intake asks this in its own transaction, so that nothing more is opened between her word and the router's next
decision. The router follows in the log's order: behind a parked key a narrowing waits for the operator's release,
with the gate shut meanwhile. An event
missing from this list would leave a door open for the length of a queue, so adding a fact that takes away
means adding it here (a test walks the list).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from contracts.facts import ADULT_AT, Facts

NARROWING_EVENTS: Final = frozenset(
    {
        "ConsentWithdrawn",  # R02
        "ConsentNarrowed",
        "NotificationObjected",  # R22
        "ProtectionFreezeSet",  # R26
        "MessageRecalled",
        "ReferralWithdrawn",
        "SubmissionVoided",
        "SubjectErased",
        "AsylumClaimRaised",  # R25, R26: the event alone, whatever facts it states
        "AsylumReferralMade",
        "StatelessnessIndicated",  # R27: no consulate
        "FamilyReturnUnsafe",  # R48
        "MisdeliveryReported",
    }
)
"""Events that take away whatever they state."""

GATE_EVENTS: Final = frozenset({"SubjectCorrected", "CasesMerged", "CaseSplit", "CaseTransferred"})
"""Events that may take away *or* give (a corrected nationality): they close the gate as well."""

NARROWING_FACTS: Final[Mapping[str, Callable[[object], bool]]] = {
    "notify_origin": lambda value: value == "objection",  # R22
    "consular": lambda value: value == "opposes",  # R24
    "asylum": lambda value: value in ("fear", "claimed"),  # R25
    "frozen": lambda value: value is True,  # R26
    "declined": lambda value: value is True,  # R40
    "state_of_origin_risk": lambda value: value in ("unacceptable", "acceptable_with_conditions"),  # R16
    "family": lambda value: value == "unsafe",  # R48
    "family_suspected": lambda value: value is True,  # R31
    "citizenship": lambda value: value in ("stateless", "undetermined"),  # R27
    "age": lambda value: value in ("in_doubt", "child") or (isinstance(value, int) and value < ADULT_AT),  # R30
    "child_until": lambda value: True,  # R30: whether that day is past, the router says
    "forced_criminality": lambda value: value is True,  # R44
    "removal": lambda value: value == "scheduled",  # R36
}
"""Facts that take away at these values, whichever event states them."""


def is_narrowing(event: str, facts: Iterable[Facts]) -> bool:
    """Whether an event takes away from what may be opened: by its name, or by a fact it states."""
    return event in NARROWING_EVENTS or any(_takes_away(stated) for stated in facts)


def closes_gate(event: str, facts: Iterable[Facts]) -> bool:
    """Whether intake must close the gate: narrowing, or a correction that may be."""
    return event in GATE_EVENTS or is_narrowing(event, facts)


def _takes_away(facts: Facts) -> bool:
    return any(
        takes(value) for name, takes in NARROWING_FACTS.items() if (value := getattr(facts, name)) is not None
    )

"""Facts: the finite-domain values that rules read, as a sender states them in one event.

The vocabulary is that of ``domain/jurisdiction.md`` part A, "Facts". Unset means "not said now": a fact that
an event does not state keeps what earlier events said. Facts are derived from groups or stated by the
sender, once, at the sender's edge; they travel sealed, and only intake and router open them.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.codelists import Exploitation, TraffickingStatus

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
DurationText = Annotated[str, StringConstraints(pattern=r"^\d+ ?(h|d|wd|mo|y)$", max_length=12)]
"""``24h`` elapsed, ``15d`` calendar days, ``3wd`` working days, ``3mo``, ``1y``: in the owner's zone."""

ADULT_AT: Final = 18
"""Years; a child below it (CRC, article 1), whose own consent does not suffice (R30)."""


class Stage(StrEnum):
    """Where on the way the person was found."""

    UNKNOWN = "unknown"
    ORIGIN = "origin"
    TRANSIT = "transit"
    DESTINATION = "destination"


class SexualViolence(BaseModel):
    """States sexual violence and dates the end of the care window (72 h from the incident)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hours_ago: Annotated[float, Field(ge=0, le=24 * 365 * 80)]


class HandoverPoint(BaseModel):
    """Where one side hands over to the other: a border between two states, or an airport."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    between: Annotated[list[Country], Field(min_length=2, max_length=2)] | None = None
    airport: bool | None = None


class Facts(BaseModel):
    """What one event states about one subject. Every field may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # the person
    citizenship: list[Country] | Literal["stateless", "undetermined"] | None = None
    claims_citizenship: list[Country] | None = None
    residence_at_entry: Country | None = None
    age: Annotated[int, Field(ge=0, le=120)] | Literal["in_doubt", "child", "adult"] | None = None
    child_until: date | None = None  # dated: a child before this day in her zone, an adult from it
    papers: Literal["held", "none"] | None = None
    # places
    found_in: Country | None = None
    last_seen_in: Country | None = None
    perhaps_in: Country | None = None
    going_to: Country | None = None
    came_from: Country | None = None
    lands_in: Country | None = None
    stage: Stage | None = None
    # HTCDS lists
    trafficking_status: TraffickingStatus | None = None
    exploitation: list[Exploitation] | None = None
    # her word
    notify_origin: Literal["not_asked", "no_objection", "objection"] | None = None
    consular: Literal["not_asked", "asked", "opposes"] | None = None
    testimony: Literal["not_asked", "willing", "unwilling"] | None = None
    declined: bool | None = None
    # danger
    asylum: Literal["none", "fear", "claimed"] | None = None
    life_in_danger: bool | None = None
    state_of_origin_risk: Literal["unknown", "acceptable", "acceptable_with_conditions", "unacceptable"] | None = None
    frozen: bool | None = None
    # custody
    detained: Literal["none", "immigration", "police", "prison", "hospital_guard"] | None = None
    charged: bool | None = None
    removal: Literal["none", "scheduled", "suspended"] | None = None
    order_until: DurationText | date | None = None
    # family
    family: Literal["unknown", "safe", "unsafe"] | None = None
    family_suspected: bool | None = None
    accompanied_by: Annotated[str, StringConstraints(max_length=64)] | bool | None = None
    destination: Literal["unknown", "family", "own_home", "alternative_care"] | None = None
    # health
    pregnant: bool | None = None
    sexual_violence: bool | SexualViolence | None = None
    # law
    proceedings: Literal["none", "open", "claim_open", "awarded_unpaid", "paid"] | None = None
    forced_criminality: bool | None = None
    contact_route: Literal["none", "recorded"] | None = None
    # the way home
    escort: Literal["none", "named"] | None = None
    handover_point: Literal["none"] | HandoverPoint | None = None
    # events imply these; whoever records the event may also state them
    identified: bool | None = None
    return_asked: bool | None = None
    departed: bool | None = None
    arrived: bool | None = None
    guardian: bool | None = None
    best_interests: bool | None = None
    risk_review: bool | None = None
    reception_accepted: bool | None = None
    concern_verified: bool | None = None
    cpa_agreement: bool | None = None
    transfer_file: bool | None = None

    def stated(self) -> dict[str, object]:
        """Only what was said, in JSON values."""
        return self.model_dump(mode="json", exclude_none=True)

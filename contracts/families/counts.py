"""Family ``counts``: prevention and regional events. A place, a date and counts; never a person.

Small numbers point at people, so a cell between 1 and 10 is not sent but marked as suppressed (k = 11,
CTDC; ``domain/jurisdiction.md`` R58).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from contracts.facts import Country

SMALLEST_CELL: Final = 11

Category = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
"""What was counted, in lower case: ``participants``, ``leaflets``, ``calls``. Not a name, not a village."""


class Counts(BaseModel):
    """One cell. ``suppressed``: something was counted, fewer than eleven; the number stays at home."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    category: Category
    number: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    suppressed: bool = False

    @model_validator(mode="after")
    def _no_small_cell(self) -> Counts:
        if self.suppressed == (self.number is not None):
            raise ValueError("give a number, or say that it is suppressed")
        if self.number is not None and 0 < self.number < SMALLEST_CELL:
            raise ValueError("a cell from 1 to 10 is suppressed")
        return self


class CountsPayload(BaseModel):
    """What a prevention or statistics event says. ``place`` is a province or coarser."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    country: Country
    place: Annotated[str, StringConstraints(max_length=120)] | None = None
    held_on: date
    until: date | None = None
    cells: Annotated[list[Counts], Field(min_length=1, max_length=64)]

"""What becomes of each of IOM's columns on the way in. A column that is not listed is taken over exactly.

Nothing is dropped: what has no canonical field is kept as text, under the column's own name, in the group
that the declaration names.
"""

from __future__ import annotations

from typing import Final

from adapters.htcds.columns import IOM_COLUMNS, Column
from adapters.model import Loss, LossKind

_AS_TEXT: Final = "no canonical field; kept as text under its own name"

_WHY: Final = {
    "con_Consent": (
        LossKind.NARROWED,
        "ConsentGiven",
        "a tick names no purpose, recipient, group or end: asked for",
    ),
    "prs_Birthdate": (LossKind.EXACT, "F1.birth_date", "a clock time is refused, not cut off"),
    "cas_IncomingReferralDate": (LossKind.WIDENED, "F5.other", "the day the receiver accepted; kept as text"),
    "cas_OutgoingReferralDate": (LossKind.WIDENED, "F5.other", "kept as text"),
}


def _declare(column: Column) -> Loss:
    if column.name in _WHY:
        kind, where, why = _WHY[column.name]
        return Loss(column.name, kind, where, why)
    if column.attribute is None:
        return Loss(column.name, LossKind.EXACT, f"{column.group}.other", _AS_TEXT)
    return Loss(column.name, LossKind.EXACT, f"{column.group}.{column.attribute}")


LOSSES: Final = tuple(_declare(column) for column in IOM_COLUMNS)
"""One declaration a column, in the order of the template."""

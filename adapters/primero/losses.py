"""What Primero's own fields hold of each canonical field, declared; one that is missing fails the tests.

The referral's notes are text that people read, and that :mod:`adapters.primero.notes` can read back. A
field that is ``widened`` into them lost its own place, not its value; one that is ``narrowed`` into a code
list keeps its original there.
"""

from __future__ import annotations

from typing import Final

from adapters.model import Loss, LossKind
from contracts.groups import GROUP_MODELS

_NOTES: Final = "notes"

_OWN_FIELD: Final = {
    "F1.given_name": (LossKind.EXACT, "name_first", ""),
    "F1.middle_name": (LossKind.EXACT, "name_middle", ""),
    "F1.family_name": (LossKind.EXACT, "name_last", ""),
    "F1.local_script_name": (LossKind.EXACT, "name_other", ""),
    "F1.birth_date": (LossKind.EXACT, "date_of_birth", ""),
    "F1.age_years": (LossKind.EXACT, "age", ""),
    "F1.sex": (LossKind.NARROWED, "sex", "Primero knows female and male unless the deployment adds more"),
    "F1.ethnicity": (LossKind.DROPPED, "", "nobody needs it to act, and some laws want a consent of its own"),
    "F2.current_place": (LossKind.EXACT, "address_current", ""),
    "F2.mobile_phone": (LossKind.EXACT, "telephone_current", ""),
    "F3.citizenship": (LossKind.NARROWED, "nationality", "names of countries, as the deployment lists them"),
    "F5.exploitation": (LossKind.NARROWED, "protection_concerns", "several kinds share one concern"),
    "F11.level": (LossKind.NARROWED, "risk_level", "high, medium and low only"),
}

LOSSES: Final = tuple(
    Loss(f"{group}.{name}", *_OWN_FIELD[f"{group}.{name}"])
    if f"{group}.{name}" in _OWN_FIELD
    else Loss(
        f"{group}.{name}", LossKind.WIDENED, _NOTES, "no field of its own; a line of the referral's notes"
    )
    for group, model in GROUP_MODELS.items()
    for name in model.model_fields
)
"""One declaration for every field of every group."""

KIND: Final = {loss.field: loss.kind for loss in LOSSES}
WHERE: Final = {loss.field: loss.where for loss in LOSSES}

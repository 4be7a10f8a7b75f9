"""What every outbound format is given: one opened dispatch, and how it declares what it cannot hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from contracts.groups import FieldGroup
from contracts.roles import Basis, Group, Priority, Purpose


@dataclass(frozen=True, slots=True)
class ConsentSummary:
    """The part of her consent that this dispatch rests on: for what, and until which day."""

    purposes: tuple[Purpose, ...]
    until: date | None = None


@dataclass(frozen=True, slots=True)
class DispatchNote:
    """A note that travels with the dispatch: ``keep_from`` names a person, ``non_punishment`` nobody."""

    code: str
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderInput:
    """One opened dispatch, as its recipient may see it. Lives in the edge's memory alone.

    Every id is the recipient's alias, so that two recipients cannot join on one. ``recalls`` is set when the
    dispatch takes an earlier one back: the alias of that earlier dispatch.
    """

    dispatch: UUID
    case: UUID
    subject: UUID
    case_code: str
    event: str
    purpose: Purpose
    basis: Basis
    priority: Priority
    from_agency: str
    dated: datetime
    groups: Mapping[Group, FieldGroup] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[DispatchNote, ...] = ()
    consent: ConsentSummary | None = None
    recalls: UUID | None = None


class LossKind(StrEnum):
    """What becomes of a canonical field in the other system's own field."""

    EXACT = "exact"  # it comes back as it went
    WIDENED = "widened"  # it comes back less precise: a code became free text
    NARROWED = "narrowed"  # several values became one; the original is kept beside it
    DROPPED = "dropped"  # the other system has no place for it


@dataclass(frozen=True, slots=True)
class Loss:
    """One declaration: ``field`` is ``F1.sex``, ``where`` the other system's field, ``why`` one sentence."""

    field: str
    kind: LossKind
    where: str
    why: str = ""

"""The canonical open event: what a sender submits, what an adapter yields, what a scenario emits.

One model, not two: the JSON of ``sampan submit case.json`` is this, an adapter's ``inbound.read`` yields
this, and ``services/edge`` turns it into a sealed submission. It exists in clear only at the sender's edge.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from contracts.consent import AddressText, Consent
from contracts.facts import Facts
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.private import Private
from contracts.roles import Group, Priority, Purpose


def _written_out(value: object) -> object:
    """Not a bare number: pydantic would read one, a telephone number even, as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and ":" not in value):
        raise ValueError("write date and time out, such as 2026-03-02T09:00:00+07:00")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
EventName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]{2,60}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class SubjectEntry(BaseModel):
    """One person in an event.

    ``subject`` is the sender's reference: the id it minted, or the alias it was given. It may stay out when
    the case holds one subject alone. ``child_of`` names the mother's reference where an event brings in a
    child; the child becomes a case of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    subject: UUID | None = None
    child_of: UUID | None = None
    facts: Facts = Facts()
    groups: dict[Group, Any] = {}

    @field_validator("groups", mode="after")
    @classmethod
    def _each_group_in_its_model(cls, groups: dict[Group, Any]) -> dict[Group, FieldGroup]:
        if Group.F0 in groups:
            raise ValueError("F0 is made by the router and cannot be sent")
        return {
            group: value if isinstance(value, FieldGroup) else GROUP_MODELS[group].model_validate(value)
            for group, value in groups.items()
        }


class Reported(BaseModel):
    """An answer that came by telephone or in person, entered by somebody else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: AddressText | None = None  # filled from the emitter where it stays out
    how: Literal["phone", "in_person", "letter", "radio", "message", "other"]
    person: Private[Label]


class Answer(BaseModel):
    """What an answer answers: the dispatch (by its alias), and for refusals why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dispatch: UUID
    code: Annotated[str, StringConstraints(max_length=40)] | None = None
    reason: Private[Annotated[str, StringConstraints(max_length=2000)]] | None = None
    reported: Reported | None = None


ANSWER_EVENTS: dict[str, str] = {
    "acknowledge": "ReferralAcknowledged",
    "accept": "ReferralAccepted",
    "decline": "ReferralDeclined",
    "redirect": "ReferralRedirected",
    "complete": "ReferralCompleted",
    "recall": "MessageRecalled",
}
"""The imperative a person types, and the past-tense event that it becomes."""


class OpenEvent(BaseModel):
    """One fact or request about one or more subjects of one case, in clear.

    ``case`` is the sender's reference (id or alias as text) or a sayable case code; without it the event
    opens a new case. ``acting_as`` is the role in which the sender speaks (``NGO-H@TH``). ``submission_id``
    makes the submission idempotent: the same id with the same content gets the same receipt.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    event: EventName
    event_id: UUID
    submission_id: UUID
    occurred_at: Moment
    sender: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
    acting_as: AddressText | None = None
    case: Annotated[str, StringConstraints(max_length=64)] | None = None
    subjects: Annotated[list[SubjectEntry], Field(max_length=8)] = []
    to: list[AddressText] = []
    purpose: Purpose | None = None
    priority: Priority | None = None
    consent: Consent | None = None
    answer: Answer | None = None

    @property
    def time(self) -> datetime:
        """CloudEvents ``time``: when it happened, as the sender says."""
        return self.occurred_at

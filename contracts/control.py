"""The control slot: what intake and router must know of an event, and nobody else may read off the wire.

The true event name, the facts, consent, addressees, purpose and answer stand here, sealed like any group, so
that the log shows that somebody wrote about some case, and not what.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.consent import AddressText, Consent
from contracts.facts import Facts
from contracts.open_event import Answer, EventName
from contracts.roles import Priority, Purpose


class ControlSubject(BaseModel):
    """One person of the event: the sender's reference, and what the event states about her.

    ``subject_ref`` is absent where the case holds one subject alone and the sender named none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    subject_ref: UUID | None = None
    child_of: UUID | None = None
    facts: Facts = Facts()


class ControlPayload(BaseModel):
    """An open event without its groups and without what the header of the sealed event says already."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    event: EventName
    acting_as: AddressText | None = None
    to: list[AddressText] = []
    purpose: Purpose | None = None
    priority: Priority | None = None
    consent: Consent | None = None
    answer: Answer | None = None
    subjects: Annotated[list[ControlSubject], Field(max_length=8)] = []

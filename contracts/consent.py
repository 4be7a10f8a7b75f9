"""Consent: a scoped, expiring statement by the person (or her guardian), and proof of it.

A consent names purposes, recipients (addresses), groups and an end. Consent to help is not consent to
prosecution, tracing, consulate or press (R05); a companion or suspected family member cannot give it (R31).
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.facts import DurationText
from contracts.roles import Group, Purpose

AddressText = Annotated[str, StringConstraints(min_length=3, max_length=64)]


class Consent(BaseModel):
    """What was agreed to. ``from_`` is written ``from`` on the wire: self, guardian, or a person's label."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    purposes: Annotated[list[Purpose], Field(min_length=1)]
    to: Annotated[list[AddressText], Field(min_length=1)]
    groups: list[Group] = []
    until: DurationText | date
    from_: Annotated[str, Field(alias="from", max_length=64)] = "self"
    assent: bool | None = None
    evidence: Literal["signed_form", "verbal", "recorded", "thumbprint", "witnessed", "sign_language", "other"] = (
        "signed_form"
    )
    language: Annotated[str, StringConstraints(max_length=16)] | None = None

"""A dispatch to a ministry or agency that runs Primero v2: the exchange of calls that puts it there.

The case's id in Primero is the subject's alias, the referral carries the dispatch's alias in its notes, so a
repeat finds what stands there. Transport is HTTP Basic with a service user (Primero v2 takes no bearer token
of its own any more).
"""

from __future__ import annotations

from typing import Any

from adapters.channels.effect import Effect
from adapters.exchange import Exchange, judge
from adapters.model import RenderInput
from adapters.primero import fields, notes
from adapters.primero.codes import Lookups
from adapters.primero.conversation import CONSENTS, CreateCase, ListReferrals, Plan
from contracts.errors import InvalidInput
from contracts.roles import Basis

__all__ = ["EFFECT", "judge", "render"]

EFFECT = Effect.CHECK_THEN_ACT


def render(event: RenderInput, receipt: str, lookups: Lookups) -> Exchange:
    """The exchange that delivers ``event``, or takes back what ``event.recalls`` names.

    Args:
        receipt: this recipient's alias of the decision's receipt, for the notes.

    Raises:
        InvalidInput: ``unmapped-code``, naming canonical field and lookup, never the value.
    """
    if event.recalls is not None:
        ends = event.event in ("ConsentWithdrawn", "ConsentNarrowed")
        plan = Plan(event.subject, event.recalls, {}, {}, "", ends_consent=ends)
        return ListReferrals(plan, withdrawing=True)
    own, lines = fields.encode(event.groups, lookups)
    case: dict[str, Any] = {"module_id": lookups.module_id, **own}
    if event.basis is Basis.CONSENT:
        case |= dict.fromkeys(_consents(lookups), True)
    text = notes.write(event, receipt, lines)
    return CreateCase(Plan(event.subject, event.dispatch, case, _referral(event, lookups), text))


def _consents(lookups: Lookups) -> tuple[str, ...]:
    """GBV cases need consent for services alone, child protection disclosure too (``models/referral.rb``)."""
    return CONSENTS[:1] if lookups.module_id.endswith("-gbv") else CONSENTS


def _referral(event: RenderInput, lookups: Lookups) -> dict[str, Any]:
    if event.purpose not in lookups.service:
        raise InvalidInput(
            "the recipient's Primero has no service for this purpose",
            code="unmapped-code",
            field="purpose",
            remedy="Add it to the lookup 'service' of this deployment, or map it to null to leave it out.",
        )
    referral: dict[str, Any] = {
        "transitioned_to": lookups.transitioned_to,
        "transitioned_to_agency": lookups.transitioned_to_agency,
        "service": lookups.service[event.purpose],
        "type_of_export": lookups.type_of_export,
        "remote": False,
    }
    if event.basis is not Basis.CONSENT:
        referral["consent_overridden"] = True
    return {name: value for name, value in referral.items() if value is not None}

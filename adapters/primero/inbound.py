"""Primero's side of the talk: a referral's decision as an answer of ours.

Primero pushes neither an event name nor the referral, so the referrals are read after every push and poll.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from adapters.exchange import Call
from adapters.primero import notes
from adapters.primero.codes import ANSWER_EVENT, TASK_STATUS
from adapters.primero.conversation import PER_PAGE
from contracts.errors import InvalidInput
from contracts.open_event import Answer
from contracts.private import Private

_REASON_MAX = 2000


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer found in Primero: ``event`` is ReferralAccepted, ReferralDeclined or ReferralCompleted."""

    event: str
    answer: Answer
    remote_id: str
    remote_status: str  # FHIR Task.status


def poll(case: UUID, page: int = 1) -> Call:
    """The call that reads a case's referrals."""
    return Call("GET", f"/api/v2/cases/{case}/referrals", {"page": str(page), "per": str(PER_PAGE)})


def read(referral: Mapping[str, Any]) -> Decision | None:
    """One referral as Primero shows it. None: not one of ours, not answered yet, or revoked by us.

    Raises:
        InvalidInput: a state that we do not know. It is never taken for an acceptance.
    """
    dispatch = notes.dispatch_of(referral.get("notes"))
    if dispatch is None:
        return None
    status = referral.get("status")
    if status not in TASK_STATUS:
        raise InvalidInput(
            "Primero reports a referral state that is not known",
            code="primero-unknown-status",
            field="status",
            remedy="Ask the recipient what it means; until then the referral counts as unanswered.",
        )
    if status not in ANSWER_EVENT:
        return None
    # Primero keeps the provider's completion note in rejection_note; the reason for refusing is elsewhere.
    words = referral.get("rejection_note") if status == "done" else referral.get("rejected_reason")
    reason = Private(str(words)[:_REASON_MAX]) if words else None
    answer = Answer(dispatch=dispatch, reason=reason)
    return Decision(ANSWER_EVENT[status], answer, str(referral.get("id")), TASK_STATUS[status])

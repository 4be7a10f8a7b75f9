"""The state of a referral in the words of FHIR ``Task.status`` (R4), and how answers move it.

Source: hl7.org/fhir/R4 code system task-status. *Delivered* (a machine has it) is never *received*
(a person has read it): until somebody acknowledges, the status stays ``requested``.
"""

from __future__ import annotations

from typing import Final

REQUESTED: Final = "requested"
RECEIVED: Final = "received"
ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"
COMPLETED: Final = "completed"
CANCELLED: Final = "cancelled"

STATUS_OF_ANSWER: Final = {
    "ReferralAcknowledged": RECEIVED,
    "ReferralAccepted": ACCEPTED,
    "ReferralDeclined": REJECTED,
    "ReferralRedirected": REJECTED,
    "ReferralCompleted": COMPLETED,
}

_MAY_FOLLOW: Final = {
    REQUESTED: (RECEIVED, ACCEPTED, REJECTED, COMPLETED, CANCELLED),
    RECEIVED: (ACCEPTED, REJECTED, COMPLETED, CANCELLED),
    ACCEPTED: (REJECTED, COMPLETED, CANCELLED),
    REJECTED: (ACCEPTED,),
    COMPLETED: (),
    CANCELLED: (),
}


def follows(now: str, wanted: str) -> bool:
    """Whether ``wanted`` may come after ``now``. A late acknowledgement does not undo an acceptance."""
    return wanted in _MAY_FOLLOW[now]

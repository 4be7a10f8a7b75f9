"""Answers to a dispatch: read, accepted, declined, redirected, completed, recalled."""

from __future__ import annotations

from typing import Final

from routing.replies import answered, may_reply
from routing.state import Recorded
from routing.working import Working

_STATUS: Final = {
    "ReferralAcknowledged": "acknowledged",
    "ReferralAccepted": "accepted",
    "ReferralDeclined": "declined",
    "ReferralRedirected": "redirected",
    "ReferralCompleted": "completed",
}


def take_answer(w: Working, record: Recorded) -> bool:
    """Notes an answer on the dispatch. False: it answers nothing that its emitter may answer."""
    assert record.answer is not None
    made = answered(w.state, record)
    if made is None or not may_reply(made, record):
        return False
    status = _STATUS.get(record.event)
    if status is not None:
        reported = record.answer.reported_how is not None
        made.status = f"{status}_reported" if reported else status
    return True

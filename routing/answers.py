"""Answers to a dispatch: read, accepted, declined, redirected, completed, recalled."""

from __future__ import annotations

from typing import Final

from routing.state import Made, Recorded
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
    made = next((m for m in w.state.made if m.dispatch_id == record.answer.dispatch_id), None)
    if made is None or not _may(made, record):
        return False
    status = _STATUS.get(record.event)
    if status is not None:
        reported = record.answer.reported_how is not None
        made.status = f"{status}_reported" if reported else status
    return True


def _may(made: Made, record: Recorded) -> bool:
    """The recipient answers; somebody else may enter what came by telephone; a sender recalls its own."""
    assert record.answer is not None
    if record.event == "MessageRecalled":
        return record.emitter in (made.sender, record.owner, made.recipient)
    return record.emitter == made.recipient or record.answer.reported_how is not None

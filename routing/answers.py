"""Answers to a dispatch: read, accepted, declined, redirected, completed, recalled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from routing.state import Made, Recorded, SubjectState

if TYPE_CHECKING:
    from routing.working import Working

_STATUS: Final = {
    "ReferralAcknowledged": "acknowledged",
    "ReferralAccepted": "accepted",
    "ReferralDeclined": "declined",
    "ReferralRedirected": "redirected",
    "ReferralCompleted": "completed",
}


_OF_TESTIMONY: Final = ("testif", "testimon", "witness", "cooperat", "press_charges", "police_statement")
"""In an answer's code: that help depends on what she tells a court or the police (R06)."""
_HELP: Final = frozenset({"SHELTER", "MEDICAL", "ALTERNATIVE_CARE", "EMERGENCY"})
"""Purposes of what is asked for where a shelter or a hospital is asked."""


def depends_on_testimony(state: SubjectState, record: Recorded) -> bool:
    """Whether a reply to a shelter or medical request makes help depend on her testimony (R06).

    An answer says so by its code. An offer of shelter says so by stating her word on testimony, which is not what
    a bed is offered on; whoever records that word records it by itself.
    """
    if record.event == "ShelterOffered":
        return "testimony" in record.facts
    code = ((record.answer and record.answer.code) or "").lower().replace("-", "_").replace(" ", "_")
    if not any(word in code for word in _OF_TESTIMONY):
        return False
    made = _answered(state, record)
    return made is not None and made.purpose in _HELP and _may(made, record)


def take_answer(w: Working, record: Recorded) -> bool:
    """Notes an answer on the dispatch. False: it answers nothing that its emitter may answer."""
    assert record.answer is not None
    made = _answered(w.state, record)
    if made is None or not _may(made, record):
        return False
    status = _STATUS.get(record.event)
    if status is not None:
        reported = record.answer.reported_how is not None
        made.status = f"{status}_reported" if reported else status
    return True


def _answered(state: SubjectState, record: Recorded) -> Made | None:
    assert record.answer is not None
    return next((m for m in state.made if m.dispatch_id == record.answer.dispatch_id), None)


def _may(made: Made, record: Recorded) -> bool:
    """The recipient answers; somebody else may enter what came by telephone; a sender recalls its own."""
    assert record.answer is not None
    if record.event == "MessageRecalled" and record.emitter in (made.sender, record.owner):
        return True
    return answers_for_recipient(made, record)


def answers_for_recipient(made: Made, record: Recorded) -> bool:
    """Whether a record speaks for the recipient of a dispatch: it is its own, or entered for it by another."""
    reported = record.answer is not None and record.answer.reported_how is not None
    return record.emitter == made.recipient or reported

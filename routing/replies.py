"""Who may reply to a dispatch, and what no reply may make her help depend on."""

from __future__ import annotations

from typing import Final

from routing.state import Made, Recorded, SubjectState

_OF_TESTIMONY: Final = ("testif", "testimon", "witness", "cooperat", "press_charges", "police_statement")
"""In an answer's code: that help depends on what she tells a court or the police (R06)."""
_HELP: Final = frozenset({"SHELTER", "MEDICAL", "ALTERNATIVE_CARE", "EMERGENCY"})
"""Purposes of what is asked for where a shelter or a hospital is asked."""


def answered(state: SubjectState, record: Recorded) -> Made | None:
    """The dispatch that a record answers; None: none that was made."""
    return state.dispatched(record.answer.dispatch_id) if record.answer is not None else None


def may_reply(made: Made, record: Recorded) -> bool:
    """The recipient answers; somebody else may enter what came by telephone; a sender recalls its own."""
    if record.event == "MessageRecalled" and record.emitter in (made.sender, record.owner):
        return True
    return answers_for_recipient(made, record)


def answers_for_recipient(made: Made, record: Recorded) -> bool:
    """Whether a record speaks for the recipient of a dispatch: it is its own, or entered for it by another."""
    reported = record.answer is not None and record.answer.reported_how is not None
    return record.emitter == made.recipient or reported


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
    made = answered(state, record)
    return made is not None and made.purpose in _HELP and may_reply(made, record)

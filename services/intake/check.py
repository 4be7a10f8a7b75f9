"""What intake refuses although the seal holds: unknown events, roles the sender does not hold, false times."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final

from contracts.address import parse_address
from contracts.codec import fingerprint
from contracts.control import ControlPayload
from contracts.errors import InvalidInput, NotAllowed
from contracts.events import event_type
from contracts.groups import GROUP_MODELS
from contracts.open_event import ANSWER_EVENTS
from contracts.roles import Group
from contracts.sealing import CONTROL, SlotKey
from routing.agency import Agency
from routing.directory import Directory
from routing.speaking import acting_as
from services.edge.prepare import ITEM_FINGERPRINT
from services.edge.stated import check_consent, check_facts

TRANSFER: Final = "CaseTransferred"
CLOCK_SKEW: Final = timedelta(minutes=10)
"""How far a sender's clock may run ahead of ours."""


def check(control: ControlPayload, sender: Agency, occurred_at: datetime, now: datetime) -> str:
    """Check an opened control payload; returns the role address in which the sender speaks.

    Raises:
        InvalidInput: unknown event or address, a time in the future, a consent event without consent, a
            consent or an order whose end is none or lies far off.
        NotAllowed: an event that only Sampan emits, or a role that the sender does not hold.
    """
    kind = event_type(control.event)
    if set(kind.emitters) == {"sampan"}:
        raise NotAllowed("only Sampan itself reports this event", code="reserved-event", field="event")
    if occurred_at > now + CLOCK_SKEW:
        raise InvalidInput(
            "the event lies in the future", code="future-time", field="occurred_at",
            remedy="Check the date, and the clock and time zone of the sending machine.",
        )  # fmt: skip
    for index, address in enumerate(control.to):
        parse_address(address, f"to[{index}]")
    _check_stated(control, now.astimezone(UTC).date())
    if (
        control.event in ANSWER_EVENTS.values()
        and control.event != "MessageRecalled"
        and control.answer is None
    ):
        raise InvalidInput(
            "an answer must name the dispatch it answers", code="answer-missing", field="answer.dispatch",
            remedy="Take the reference from `sampan inbox`.",
        )  # fmt: skip
    return acting_as(sender, control.acting_as, control.event, now)


def check_reported(control: ControlPayload, sender: Agency, now: datetime) -> None:
    """An answer by telephone says who entered it: a role of the sender's own, or the sender's if it stays out.

    Raises:
        NotAllowed: it names a role that the sender does not hold, so that another would stand in the receipt.
    """
    answer = control.answer
    by = answer.reported.by if answer is not None and answer.reported is not None else None
    held = {str(address) for address in sender.addresses(now)}
    if by is not None and by not in held:
        raise NotAllowed(
            "the sender does not hold this role", code="role-not-held", field="answer.reported.by",
            remedy="It is the role of whoever enters the answer: " + ", ".join(sorted(held)) + ".",
        )  # fmt: skip


def check_schemas(keys: Iterable[SlotKey]) -> None:
    """Every part in a schema that somebody here can read, told by its fingerprint alone: intake opens no group.

    Raises:
        InvalidInput: ``unknown-schema``; made by a later version.
    """
    for key in keys:
        if key.fingerprint != _fingerprint_of(key.label):
            raise InvalidInput(
                "a part is in a form that this version of Sampan does not know", code="unknown-schema",
                field=key.label, remedy="Update this Sampan, or send with a client of its version.",
            )  # fmt: skip


def _fingerprint_of(label: str) -> bytes:
    if label == CONTROL:
        return fingerprint(ControlPayload)
    return ITEM_FINGERPRINT if label.startswith("item:") else fingerprint(GROUP_MODELS[Group(label)])


def receiver_of(control: ControlPayload, directory: Directory, at: datetime) -> Agency:
    """The one agency that a case is handed over to.

    Raises:
        InvalidInput: it names nobody, or several.
    """
    found = directory.resolve(parse_address(control.to[0], "to[0]"), at) if len(control.to) == 1 else ()
    if len(found) != 1:
        raise InvalidInput(
            "a case is handed over to one agency", code="transfer-to-whom", field="to",
            remedy="Name one role that one agency holds, such as SHA@TH.",
        )  # fmt: skip
    return found[0]


def _check_stated(control: ControlPayload, today: date) -> None:
    if control.event == "ConsentGiven" and control.consent is None:
        raise InvalidInput(
            "a consent without its scope is no consent", code="consent-missing", field="consent",
            remedy="Say for which purposes, to whom, which groups and until when she agreed.",
        )  # fmt: skip
    if control.consent is not None:
        check_consent(control.consent, today)
    for index, subject in enumerate(control.subjects):
        check_facts(subject.facts, today, f"subjects[{index}].facts")

"""``acknowledge``, ``accept``, ``decline``, ``redirect``, ``complete``: answering what was sent to you.

An answer is an event like any other: sealed here, kept before it is sent, routed to whoever waits for it.
Which dispatch is meant is read from the server, so with the line down an answer can be given (and waits here)
only by the dispatch's whole id and ``--case``. ``--reported-by phone --person …`` enters an answer that came
another way, for somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from contracts.address import parse_address
from contracts.errors import InvalidInput, NotFound, SampanError
from contracts.open_event import ANSWER_EVENTS, Answer, OpenEvent, Reported, SubjectEntry
from contracts.private import Private
from contracts.task_status import STATUS_OF_ANSWER
from services.cli.inbox import find_item
from services.cli.outcome import send_and_tell
from services.cli.session import As, Json, Session


class How(StrEnum):
    """How an answer reached the one who enters it."""

    PHONE = "phone"
    IN_PERSON = "in_person"
    LETTER = "letter"
    RADIO = "radio"
    MESSAGE = "message"
    OTHER = "other"


Dispatch = Annotated[str, typer.Argument(metavar="DISPATCH", help="'#3' or the first digits of its id.")]
Case = Annotated[
    str | None,
    typer.Option(
        "--case", metavar="CODE", help="The case, when the dispatch went to somebody else than you."
    ),
]
ReportedBy = Annotated[
    How | None,
    typer.Option("--reported-by", help="How the answer came, when it did not come here by itself."),
]
Person = Annotated[str | None, typer.Option("--person", help="Who gave the answer; sealed.")]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="ADDRESS", help="Whose answer it is, such as SHA@TH; else yours."),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why, in words; sealed.")]
Instead = Annotated[
    list[str], typer.Option("--to", metavar="ADDRESS", help="Who should have it instead, such as SHA@LA.")
]
Code = Annotated[str | None, typer.Option("--code", help="Why, as a code, such as no_capacity.")]


@dataclass(frozen=True)
class Told:
    """The options that every answer has."""

    case: str | None
    how: How | None
    person: str | None
    by: str | None


@dataclass(frozen=True)
class Target:
    """What is answered."""

    dispatch: UUID
    case: str
    subject: UUID | None
    status: str


def attach(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (acknowledge, accept, decline, redirect, complete):
        app.command(command.__name__)(command)


def acknowledge(
    context: typer.Context, dispatch: Dispatch, as_: As = None, case: Case = None,
    reported_by: ReportedBy = None, person: Person = None, by: By = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Say that a person has read it.

    Example: sampan acknowledge '#3' --as shelter-th
    """
    _answer(Session(context, as_, as_json), "acknowledge", dispatch, Told(case, reported_by, person, by))


def accept(
    context: typer.Context, dispatch: Dispatch, as_: As = None, case: Case = None,
    reported_by: ReportedBy = None, person: Person = None, by: By = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Take it on.

    Example: sampan accept '#3' --as ngo-th --case SP-K7RM4-TQX2F --reported-by phone --person "Duty officer"
    """
    _answer(Session(context, as_, as_json), "accept", dispatch, Told(case, reported_by, person, by))


def decline(
    context: typer.Context, dispatch: Dispatch,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words; sealed.")],
    code: Code = None, as_: As = None, case: Case = None,
    reported_by: ReportedBy = None, person: Person = None, by: By = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Say no, and why, so that the sender can look elsewhere in time.

    Example: sampan decline '#3' --reason "No free bed until Monday" --code no_capacity --as shelter-th
    """
    told = Told(case, reported_by, person, by)
    _answer(Session(context, as_, as_json), "decline", dispatch, told, reason=reason, code=code)


def redirect(
    context: typer.Context, dispatch: Dispatch,
    to: Instead,
    reason: Reason = None, code: Code = None, as_: As = None, case: Case = None,
    reported_by: ReportedBy = None, person: Person = None, by: By = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Point to who should have it instead. Nothing is passed on by this; the rules decide again.

    Example: sampan redirect '#3' --to SHA@LA --reason "We take children only" --as shelter-th
    """
    told = Told(case, reported_by, person, by)
    session = Session(context, as_, as_json)
    addresses = [str(parse_address(address, "--to")) for address in to]
    _answer(session, "redirect", dispatch, told, reason=reason, code=code, to=addresses)


def complete(
    context: typer.Context, dispatch: Dispatch, reason: Reason = None, as_: As = None, case: Case = None,
    reported_by: ReportedBy = None, person: Person = None, by: By = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Say that what was asked is done.

    Example: sampan complete '#3' --as shelter-th
    """
    _answer(
        Session(context, as_, as_json),
        "complete",
        dispatch,
        Told(case, reported_by, person, by),
        reason=reason,
    )


def _answer(
    session: Session,
    action: str,
    name: str,
    told: Told,
    *,
    reason: str | None = None,
    code: str | None = None,
    to: list[str] | None = None,
) -> None:
    reported = _reported(told)
    target = _target(session, name, told.case)
    # A second redirection may point elsewhere; every other answer says no more the second time.
    says_no_more = action != "redirect" and target.status == STATUS_OF_ANSWER[ANSWER_EVENTS[action]]
    if reported is None and says_no_more:
        session.screen.say(f"This is {target.status} already; nothing was sent.")
        session.screen.json({"state": "already_answered", "status": target.status})
        return
    # Derived from what it says and from where the dispatch stands: typed twice, it is one answer.
    parts = [str(part or "") for part in (target.dispatch, action, reason, code, to, target.status, told)]
    content = "\x1f".join(parts).encode()
    try:
        event = OpenEvent(
            event=ANSWER_EVENTS[action],
            event_id=session.secret.uuid("answer-event", content),
            submission_id=session.secret.uuid("answer-submission", content),
            occurred_at=session.clock.now(),
            sender=session.profile.agency,
            case=target.case,
            subjects=[SubjectEntry(subject=target.subject)] if target.subject else [],
            to=to or [],
            answer=Answer(
                dispatch=target.dispatch,
                code=code,
                reason=Private(reason) if reason else None,
                reported=reported,
            ),
        )
    except ValidationError:
        raise InvalidInput(
            "the answer cannot be written like that.",
            code="bad-answer",
            remedy="A code has at most 40 characters, a reason 2,000, a person's name 64.",
        ) from None
    send_and_tell(session, event, content, f"{action} {name}")


def _reported(told: Told) -> Reported | None:
    if told.how is None and told.person is None and told.by is None:
        return None
    if told.how is None or not told.person:
        raise InvalidInput(
            "an answer that came another way needs how it came and who gave it.",
            code="incomplete-report",
            field="--reported-by",
            remedy='Write for example: --reported-by phone --person "Duty officer".',
        )
    by = str(parse_address(told.by, "--by")) if told.by else None
    return Reported(by=by, how=told.how.value, person=Private(told.person))


def _target(session: Session, name: str, case: str | None) -> Target:
    if case is None:
        item = find_item(session, name)
        return Target(item.dispatch, item.case_code, item.subject_ref, item.status)
    try:
        timeline = session.api.timeline(case)
    except SampanError as trouble:
        if trouble.retryable and (whole := _whole_id(name)) is not None:
            return Target(whole, case.strip(), None, "")
        raise
    digits = name.strip().lower().replace("-", "")
    if len(digits) < 4:
        raise InvalidInput(
            "with --case a dispatch is named by the first digits of its id.",
            code="bad-dispatch",
            field="DISPATCH",
            remedy=f"See `sampan case {timeline.case_code}`.",
        )
    found = {
        entry.dispatch: entry.status or ""
        for entry in timeline.entries
        if entry.dispatch is not None and entry.dispatch.hex.startswith(digits)
    }
    if len(found) != 1:
        raise NotFound(
            "no dispatch of this case goes by that name."
            if not found
            else "several dispatches begin like that.",
            code="no-such-dispatch",
            field="DISPATCH",
            remedy=f"See `sampan case {timeline.case_code}`.",
        )
    dispatch, status = next(iter(found.items()))
    subject = timeline.subjects[0] if len(timeline.subjects) == 1 else None
    return Target(dispatch, timeline.case_code, subject, status)


def _whole_id(name: str) -> UUID | None:
    try:
        return UUID(name.strip())
    except ValueError:
        return None

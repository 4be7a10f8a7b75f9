"""``sampan consent erase``: destroy what is held about a person. Asks twice."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from contracts.errors import InvalidInput, SampanError
from services.cli.failing import Stopped
from services.cli.group import SampanGroup
from services.cli.screen import clean
from services.cli.session import As, Json, Session

app = typer.Typer(
    help="What a person agreed to, and its end.\n\nExample: sampan consent erase SUBJECT --as ngo-th",
    cls=SampanGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def root() -> None:
    """What a person agreed to, and its end."""


@app.command("erase")
def erase(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="The subject's reference, or a case code.")
    ],
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Destroy the key of everything held about a person. Shows what would go, then asks twice.

    Example: sampan consent erase SP-K7RM4-TQX2F --as ngo-th
    """
    session = Session(context, as_, as_json)
    reference = _subject(session, subject)
    ticket = session.api.erasure(reference)
    lines = (
        f"This destroys, for good: {ticket.groups} field groups in {ticket.dispatches} dispatches.",
        "What recipients have copied into their own systems is not reached by it; they are asked to erase.",
        f"The offer to erase ends {session.local(ticket.expires_at)}.",
    )
    for line in lines:
        session.screen.remark(line, "bold")
    try:
        sure = typer.confirm("Erase it?", default=False, err=True)
        word = typer.prompt(f"Type {clean(ticket.confirm)} to erase", err=True) if sure else ""
    except (KeyboardInterrupt, typer.Abort):
        raise Stopped("stopped; nothing was erased.") from None
    if word.strip() != ticket.confirm:
        raise SampanError(
            "nothing was erased.", code="not-confirmed", remedy="It needs yes, and then the word."
        )
    if not session.api.confirm_erasure(reference, ticket.confirm):
        raise SampanError("the server did not confirm the erasure.", code="not-erased", remedy="Try again.")
    session.screen.json({"erased": True, "dispatches": ticket.dispatches, "groups": ticket.groups})
    session.screen.say("Erased. No one can open it any more.", "green")


def _subject(session: Session, name: str) -> UUID:
    try:
        return UUID(name.strip())
    except ValueError:
        pass
    case = session.api.case(name.strip())
    if len(case.subject_refs) != 1:
        raise InvalidInput(
            f"the case {case.case_code} holds {len(case.subject_refs)} people.",
            code="several-subjects",
            field="SUBJECT",
            remedy="Name the one to erase: " + ", ".join(str(ref) for ref in case.subject_refs),
        )
    return case.subject_refs[0]

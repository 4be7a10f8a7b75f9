"""``sampan emit``: one simple event by hand, without writing JSON."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from contracts.address import parse_address
from contracts.errors import InvalidInput
from contracts.open_event import OpenEvent
from services.cli.outcome import send_and_tell
from services.cli.session import As, Json, Session
from services.client.documents import read_document, read_event
from services.client.rows import content_of


def attach(app: typer.Typer) -> None:
    """Register the command."""
    app.command("emit")(emit)


def emit(
    context: typer.Context,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="Name of the event, such as ConsentWithdrawn.")
    ],
    case: Annotated[
        str | None, typer.Option("--case", metavar="CODE", help="The case; without it a new one.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="Her reference, where the case holds several people.")
    ] = None,
    to: Annotated[list[str] | None, typer.Option("--to", metavar="ADDRESS", help="Such as SHA@TH.")] = None,
    purpose: Annotated[str | None, typer.Option("--purpose", help="Such as SHELTER.")] = None,
    priority: Annotated[str | None, typer.Option("--priority", help="EMERGENCY, URGENT or ROUTINE.")] = None,
    acting_as: Annotated[
        str | None, typer.Option("--acting-as", metavar="ROLE@CC", help="In which role.")
    ] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", metavar="NAME=VALUE", help="Such as found_in=TH; repeat.")
    ] = None,
    consent_file: Annotated[
        Path | None, typer.Option("--consent-file", help="Consent as JSON or YAML: purposes, to, until …")
    ] = None,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Send one event by hand. What still waits here is one event however often it is typed.

    Typed again after it was sent, or after something else was kept here, it is a new event.

    Example: sampan emit ConsentWithdrawn --case SP-K7RM4-TQX2F --as ngo-th
    """
    session = Session(context, as_, as_json)
    document: dict[str, Any] = {
        "event": event,
        "sender": session.profile.agency,
        "occurred_at": session.clock.now().isoformat(),
        "case": case,
        "to": [str(parse_address(address, "--to")) for address in to or []],
        "purpose": purpose,
        "priority": priority,
        "acting_as": acting_as,
        "consent": _yaml(read_document(consent_file), consent_file.name) if consent_file else None,
        "subjects": [{"subject": subject, "facts": _facts(fact or [])}],
    }
    said = {key: value for key, value in document.items() if value not in (None, [])}
    read = _the_one_that_waits_or_a_new_one(session, said)
    send_and_tell(session, read, content_of(read), event)


def _the_one_that_waits_or_a_new_one(session: Session, said: dict[str, Any]) -> OpenEvent:
    """The event, with ids from what it says and from how often that was said to its end from this machine.

    A consent may be withdrawn, given and withdrawn again in the same words. So what was sent is over, and what
    waits counts as the same only while nothing was kept after it, which it would otherwise come before.
    """
    known_by = json.dumps(said | {"occurred_at": None}, sort_keys=True, default=str).encode()
    for turn in count():
        parts = known_by, str(turn).encode()
        said["event_id"] = str(session.secret.uuid("emit-event", *parts))
        said["submission_id"] = str(session.secret.uuid("emit-submission", *parts))
        event = read_event(said)
        if not session.spool.is_over(event.submission_id):
            return event
    raise AssertionError("unreachable")


def _facts(pairs: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise InvalidInput(
                "a fact is written NAME=VALUE.",
                code="bad-fact",
                field="--fact",
                remedy="For example: --fact found_in=TH --fact 'citizenship=[LA]'.",
            )
        # 'NO' is Norway here, not false: a two-letter country stays text.
        facts[name] = value if len(value) == 2 and value.isupper() else _yaml(value.encode(), "--fact")
    return facts


def _yaml(content: bytes, field: str) -> Any:
    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError):
        raise InvalidInput("this is neither JSON nor YAML.", code="bad-yaml", field=field) from None

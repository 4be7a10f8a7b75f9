"""``sampan emit``: one simple event by hand, without writing JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from contracts.address import parse_address
from contracts.errors import InvalidInput
from services.cli.outcome import send_and_tell
from services.cli.session import As, Json, Session
from services.client.documents import read_document, read_event
from services.client.errors import NoConnection
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
    """Send one event by hand. Typed twice, it is one event as long as it says the same and none came between.

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
    # An event on a case may be meant again later (a second withdrawal); the case's history sets them apart.
    before = _history_length(session, case) if case else 0
    known_by = json.dumps(
        {**said, "occurred_at": None, "before": before}, sort_keys=True, default=str
    ).encode()
    said["event_id"] = str(session.secret.uuid("emit-event", known_by))
    said["submission_id"] = str(session.secret.uuid("emit-submission", known_by))
    read = read_event(said)
    send_and_tell(session, read, content_of(read), event)


def _history_length(session: Session, case: str) -> int:
    """How much has happened in the case; -1 when nobody can be asked: a withdrawal cannot wait."""
    try:
        return len(session.api.timeline(case).entries)
    except NoConnection:
        return -1


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

"""``sampan kafka dead-letters``: what on our topics was not ours, and what became of it. No content is ever shown."""

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from contracts.errors import InvalidInput, NotFound
from services.assembly.operator import By, Data, Json, Reason, brokers_access, echo_table, said, with_database
from services.assembly.settings import ServerSettings
from services.runtime.dead_letters import (
    ON_KAFKA,
    DeadLetter,
    find,
    list_dead_letters,
    origin_of,
    place_of,
    read_again,
    settle,
)
from services.runtime.log.kafka_again import is_ours_now
from services.runtime.operations import Said

app = typer.Typer(
    help="Records on our topics that were not ours.\n\nExample: sampan kafka dead-letters list",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Letter = Annotated[str, typer.Argument(metavar="LETTER", help="First digits of its name (4 at least).")]
_COLUMNS: Final = ("letter", "topic", "found", "bytes", "why", "became of it")


@app.command("list")
def list_letters(
    everything: Annotated[bool, typer.Option("--all", help="Also those that somebody dealt with.")] = False,
    data: Data = Path("data"),
    as_json: Json = False,
) -> None:
    """Those that wait for somebody, oldest first. SAMPAN_DATABASE_URL names the database.

    Example: sampan kafka dead-letters list
    """

    async def read(_settings: ServerSettings, connection: Any) -> list[DeadLetter]:
        return list(await list_dead_letters(connection, everything=everything))

    letters = with_database(data, read)
    if as_json:
        typer.echo(json.dumps([_document(letter) for letter in letters]))
    elif not letters:
        typer.echo("There never was a dead letter." if everything else "No dead letter waits.")
    else:
        echo_table(_COLUMNS, [
            (each.name, each.topic, f"{each.found_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", each.value_bytes,
             each.error_code, each.settled or "waits") for each in letters
        ])  # fmt: skip


@app.command()
def show(letter: Letter, data: Data = Path("data"), as_json: Json = False) -> None:
    """Where one stands and where it was found, its size and hash. Its bytes are foreign and are not shown.

    Example: sampan kafka dead-letters show 7d1e
    """

    async def read(_settings: ServerSettings, connection: Any) -> dict[str, Any]:
        origin: str | None
        consumer: str | None
        found = await find(connection, letter)
        if found.place.startswith(ON_KAFKA):
            return _document(found)
        try:
            origin, consumer = await origin_of(connection, found)
        except NotFound:  # from before it said so
            origin = consumer = None
        return _document(found) | {"origin": origin, "consumer": consumer}

    document = with_database(data, read)
    if as_json:
        typer.echo(json.dumps(document))
        return
    for name, value in document.items():
        typer.echo(f"{name + ':':13}{value}")


@app.command()
def drop(
    letter: Letter, reason: Reason, by: By = None, data: Data = Path("data"), as_json: Json = False
) -> None:
    """Say that nothing is to be done about one. It leaves the list; its bytes stay until their retention ends.

    Example: sampan kafka dead-letters drop 7d1e --reason "a test of the ministry's vendor"
    """
    who = said(by, reason)

    async def work(_settings: ServerSettings, connection: Any) -> DeadLetter:
        found = await find(connection, letter)
        await settle(connection, found, "dead-letter-dropped", who)
        return found

    name = with_database(data, work).name
    typer.echo(json.dumps({"dropped": name}) if as_json else f"{name} is dropped, and the reason is kept.")


@app.command()
def reread(
    letter: Letter, reason: Reason, by: By = None, data: Data = Path("data"), as_json: Json = False
) -> None:
    """Read one again, after what could not read it was mended.

    One of our own log goes back to its consumer, which tries it as soon as it looks; later records of the same case
    were applied before it. One found on Kafka (SAMPAN_BROKERS__BOOTSTRAP …) is looked at with today's reading: if
    it is ours now, services that start again find it by its place.

    Example: sampan kafka dead-letters reread 7d1e --reason "version 0.3 knows that frame"
    """
    who = said(by, reason)

    async def work(settings: ServerSettings, connection: Any) -> dict[str, str]:
        found = await find(connection, letter)
        if found.place.startswith(ON_KAFKA):
            await _reread_on_kafka(settings, connection, found, who)
            return {"reread": found.name}
        return {"reread": found.name, "consumer": await read_again(connection, found, who)}

    done = with_database(data, work)
    if as_json:
        typer.echo(json.dumps(done))
    elif "consumer" in done:
        typer.echo(f"{done['consumer']} tries {done['reread']} again; if it still cannot, the list shows a new one.")
    else:
        typer.echo(f"{done['reread']} is ours by today's reading. Start the services again that follow its topic.")


async def _reread_on_kafka(settings: ServerSettings, connection: Any, letter: DeadLetter, who: Said) -> None:
    access = brokers_access(settings)
    if not await is_ours_now(access.for_aiokafka(), place_of(letter), settings.brokers.prefix):
        raise InvalidInput("it is still none of ours; nothing was changed", code="still-not-ours", field="LETTER",
                           remedy="Drop it with a reason, or ask who has the right to write there.")  # fmt: skip
    await settle(connection, letter, "dead-letter-reread", who)


def _document(letter: DeadLetter) -> dict[str, Any]:
    return {
        "letter": letter.name, "topic": letter.topic, "place": letter.place, "why": letter.error_code,
        "bytes": letter.value_bytes, "headers": letter.headers, "sha256": letter.sha256.hex(),
        "found_at": letter.found_at.astimezone(UTC).isoformat(), "settled": letter.settled,
    }  # fmt: skip

"""``sampan kafka partner``: let one agency read its own topic, or take that away."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError

from contracts.partner_topics import partner_topic
from contracts.topics import Topic
from deploy.kafka.access import Access
from deploy.kafka.acls import ensure_acls, partner_acls, remove_acls
from deploy.kafka.ready import admin
from deploy.kafka.topics import ensure_topics
from deploy.kafka.users import SALT_BYTES, has_user, remove_user, set_password
from services.assembly import region
from services.assembly.operator import Json, brokers_access
from services.assembly.settings import KafkaSettings, ServerSettings
from services.delivery.partner_topics import CHANNEL
from services.runtime.log.kafka_failures import said
from services.runtime.telemetry.logs import configure_logs

_PASSWORD_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Partner:
    """One agency on the brokers: its topic, by name and declaration, and its user."""

    topic: Topic
    name: str
    user: str


def partner(
    agency: Annotated[str, typer.Argument(help="The agency's slug in the directory.")],
    *,
    remove: Annotated[
        bool, typer.Option("--remove", help="Take the user and its grants away; the topic stays.")
    ] = False,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Give a user that exists another password.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Let an agency read its own topic: make the topic, a user, and the grants to read that and nothing else.

    Repeatable: what is there is checked and left, and a user keeps its password. A new password is shown once and
    kept nowhere; hand it over by a safe way. SAMPAN_BROKERS__… says how an administrator reaches the brokers.

    Example: SAMPAN_BROKERS__USER=admin sampan kafka partner rfp-la
    """
    configure_logs()
    settings = ServerSettings()
    access = brokers_access(settings)
    directory, _ = region.load(settings.region)
    entry = directory.by_slug(agency)
    topic = partner_topic(entry.agency_id)
    one = named(topic, settings.brokers.prefix)
    typer.echo(f"asking Kafka at {access.bootstrap} …", err=True)
    if remove:
        _tell_removed(one, asyncio.run(_asked(access, _removed(access, one))), as_json=as_json)
        return
    work = _made(settings.brokers, access, one, renew=new_password)
    _tell_made(one, asyncio.run(_asked(access, work)), as_json=as_json)
    if CHANNEL not in entry.channels:
        typer.echo(f"The directory does not list the channel {CHANNEL} for {agency} yet: nothing will be written there "
                   "until it does.", err=True)  # fmt: skip


def named(topic: Topic, prefix: str) -> Partner:
    """Topic and user of one name, prefix and all: two instances on one cluster share neither."""
    return Partner(topic, prefix + topic.topic, prefix + topic.topic)


async def _asked(access: Access, work: Any) -> Any:
    try:
        return await work
    except (KafkaError, OSError, TimeoutError) as error:
        raise said(error, access.for_aiokafka()) from None


async def _made(brokers: KafkaSettings, access: Access, one: Partner, *, renew: bool) -> str | None:
    """The password, where one was set. The user comes last: nobody can come in before its grants are heeded."""
    await ensure_topics(access, [one.topic], prefix=brokers.prefix, replicas=brokers.replicas)
    await ensure_acls(access, partner_acls(one.user, one.name))
    async with admin(access) as client:
        if await has_user(client, one.user) and not renew:
            return None
        password = secrets.token_hex(_PASSWORD_BYTES)
        await set_password(client, one.user, password, secrets.token_bytes(SALT_BYTES))
        return password


async def _removed(access: Access, one: Partner) -> bool:
    """Grants first: they end what is connected; without a password nobody comes in again."""
    await remove_acls(access, one.user)
    async with admin(access) as client:
        return await remove_user(client, one.user)


def _tell_made(one: Partner, password: str | None, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"topic": one.name, "user": one.user, "password": password}))
        return
    typer.echo(f"topic:    {one.name}")
    typer.echo(f"user:     {one.user}")
    if password is None:
        typer.echo("The user is there and keeps its password; --new-password gives it another.")
    else:
        typer.echo(f"password: {password}")
        typer.echo("The password is shown this once. It may read that topic, in groups of that name, and nothing else.")


def _tell_removed(one: Partner, was_there: bool, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"user": one.user, "removed": was_there}))
    elif was_there:
        typer.echo(f"The user {one.user} and its grants are gone; the topic stays, with what was told.")
    else:
        typer.echo(f"There was no user {one.user}; it has no grants either.")

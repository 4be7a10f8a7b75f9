"""Routers with databases of their own, as settings name them, and what of that makes no sense. Reads settings alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from contracts.errors import SetupProblem
from services.assembly.settings import ServerSettings
from services.runtime.log import PARTITIONS
from services.runtime.log.known import said

ALL: Final = frozenset(range(PARTITIONS))
_RUN: Final = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")
_PARTITIONS: Final = "SAMPAN_ROUTER__PARTITIONS"
_SHARDS: Final = "SAMPAN_ROUTER__SHARDS"
_URL: Final = "SAMPAN_ROUTER__DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Shard:
    """A router's own database and the partitions that it folds."""

    partitions: frozenset[int]
    dsn: str = field(repr=False)


def partitions_of(text: str, where: str = _PARTITIONS) -> frozenset[int]:
    """``0-5`` or ``0-2,7``.

    Raises:
        SetupProblem: ``bad-partitions``.
    """
    found: set[int] = set()
    for part in text.replace(" ", "").split(","):
        run = _RUN.fullmatch(part)
        first, last = (int(run[1]), int(run[2] or run[1])) if run else (1, 0)
        if first > last or last >= PARTITIONS:
            raise SetupProblem(
                f"Partitions are numbers from 0 to {PARTITIONS - 1}.", code="bad-partitions", field=where,
                remedy="Name them like 0-5 or 0-2,7.",
            )  # fmt: skip
        found.update(range(first, last + 1))
    return frozenset(found)


def shard_here(settings: ServerSettings) -> Shard | None:
    """Of ``sampan run router``: the database of its own that this process works on; None: the one that all share.

    Raises:
        SetupProblem: what is set makes no sense.
    """
    told = settings.router
    mine = partitions_of(told.partitions) if told.partitions is not None else None
    if told.database_url is not None:
        found = Shard(mine or ALL, told.database_url.get_secret_value())
        _check(settings, [found], _URL)
        return found
    shards = _named(settings)
    if not shards:
        if mine is not None:
            raise _problem("partitions-without-database", _PARTITIONS,
                           "Partitions are divided between routers with databases of their own.",
                           f"Name this one's: {_URL}. Over one database they share by themselves.")  # fmt: skip
        return None
    _check(settings, shards, _SHARDS)
    for shard in shards:
        if shard.partitions == mine or (mine is None and len(shards) == 1):
            return shard
    named = ", ".join(said(shard.partitions) for shard in shards)
    raise _problem("no-such-shard", _PARTITIONS, "It is not said which shard this process is.",
                   f"Name the partitions of one of them: {named}.")  # fmt: skip


def all_shards(settings: ServerSettings) -> tuple[Shard, ...]:
    """Every router's database, for who reads them all; empty: they share the one database.

    Raises:
        SetupProblem: as :func:`shard_here`; ``partitions-missing``.
    """
    shards = _named(settings)
    if not shards and settings.router.database_url is not None:
        mine = settings.router.partitions
        shards = [
            Shard(partitions_of(mine) if mine else ALL, settings.router.database_url.get_secret_value())
        ]
    if not shards:
        return ()
    _check(settings, shards, _SHARDS)
    missing = ALL.difference(*(shard.partitions for shard in shards))
    if missing:
        raise _problem("partitions-missing", _SHARDS, f"No router answers for partitions {said(missing)}.",
                       "Name every shard's database, by its partitions.")  # fmt: skip
    return tuple(shards)


def check_together(settings: ServerSettings) -> None:
    """Of a process with everything in it.

    Raises:
        SetupProblem: ``apart-in-one-process``.
    """
    told = settings.router
    for where, value in ((_URL, told.database_url), (_SHARDS, told.shards), (_PARTITIONS, told.partitions)):
        if value:
            raise _problem("apart-in-one-process", where, "Here all services run in one process over one database.",
                           "Leave it out, or run each service as a process: sampan run.")  # fmt: skip
    check_delivery(settings)


def check_delivery(settings: ServerSettings) -> None:
    """Raises SetupProblem: ``delivery-not-apart``."""
    if settings.delivery.database_url is not None:
        raise _problem("delivery-not-apart", "SAMPAN_DELIVERY__DATABASE_URL",
                       "Delivery works on the hub's database, where intake and the keys are.",
                       "Leave it out; more delivery processes share the work.")  # fmt: skip


def _named(settings: ServerSettings) -> list[Shard]:
    return [
        Shard(partitions_of(text, _SHARDS), url.get_secret_value())
        for text, url in sorted(settings.router.shards.items())
    ]


def _check(settings: ServerSettings, shards: list[Shard], where: str) -> None:
    if settings.brokers.access is None:
        raise _problem("apart-needs-kafka", "SAMPAN_BROKERS__BOOTSTRAP",
                       "Services with databases of their own hear of each other through Kafka.",
                       "Name brokers (host:port), or leave the router in the common database.")  # fmt: skip
    seen: set[int] = set()
    for shard in shards:
        if seen & shard.partitions:
            raise _problem("partitions-overlap", where,
                           f"Two shards answer for partitions {said(seen & shard.partitions)}.",
                           "Give each shard partitions of its own.")  # fmt: skip
        seen |= shard.partitions
    hub = [settings.database_url.get_secret_value()] if settings.database_url is not None else []
    places = [_place(dsn, where) for dsn in [*hub, *(shard.dsn for shard in shards)]]
    if len(set(places)) < len(places):
        raise same_database(where)


def same_database(where: str = _SHARDS) -> SetupProblem:
    """One database under two names."""
    return _problem("same-database", where, "One database is named twice.",
                    "Give each shard a database of its own, beside the hub's.")  # fmt: skip


def _place(dsn: str, where: str) -> tuple[object, ...]:
    try:
        said_ = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise _problem("bad-database-url", where, "This is no database's address.",
                       "Name it like postgresql://user:password@host:5432/name.") from None  # fmt: skip
    return said_.get("host"), said_.get("port") or "5432", said_.get("dbname") or said_.get("user")


def _problem(code: str, where: str, message: str, remedy: str) -> SetupProblem:
    return SetupProblem(message, code=code, field=where, remedy=remedy)

"""``sampan run vault``: the keyring in one process alone, over a database of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import psycopg

from contracts.errors import SetupProblem
from services.assembly.health import health_app
from services.assembly.http_server import Running, serve_app
from services.assembly.keys import token_of
from services.assembly.settings import ServerSettings
from services.runtime.postgres import migrate
from services.runtime.telemetry.metrics import Metrics
from services.vault import http, wire
from services.vault.apart import VaultApart
from services.vault.keyring import Keyring
from services.vault.naming import naming_keys

VAULT: Final = "vault"
_FIELD: Final = "SAMPAN_VAULT__DATABASE_URL"
_IS_VAULT: Final = "select 1 from pg_tables where schemaname = 'vault' and tablename = 'narrowings'"


def database_of(settings: ServerSettings) -> str:
    """The vault's own database, which holds a vault.

    Raises:
        SetupProblem: ``no-vault-database``, none is named; ``no-database``; ``not-migrated``.
    """
    dsn = _named(settings)
    try:
        with psycopg.connect(dsn) as connection:
            found = connection.execute(_IS_VAULT).fetchone()
    except psycopg.OperationalError:
        raise _silent() from None
    if found is None:
        raise SetupProblem("There is no vault in this database yet.", code="not-migrated", field=_FIELD,
                           remedy="Run sampan migrate once, as the role that owns it.")  # fmt: skip
    return dsn


def migrate_vault(settings: ServerSettings, keyring: Callable[[bool], Keyring]) -> None:
    """Bring the vault's database up to date.

    Args:
        keyring: loads the keyring; told whether the database holds no key yet, so that one may be made.

    Raises:
        SetupProblem: as :func:`services.runtime.postgres.migrate`; ``no-database``; the keyring is missing or damaged.
    """
    dsn = _named(settings)
    try:
        migrate(dsn)
    except psycopg.OperationalError:
        raise _silent() from None
    with psycopg.connect(dsn) as connection:
        is_new = connection.execute("select 1 from vault.gates limit 1").fetchone() is None
    keyring(is_new)


async def run_vault(
    settings: ServerSettings, dsn: str, keys: Keyring, listening: Callable[[], Awaitable[None]]
) -> None:
    """Serve the keys of this instance to its services until SIGTERM.

    Raises:
        SetupProblem: ``no-vault-token``; ``vault-in-clear``, others could reach it without TLS; ``vault-half-tls``.
    """
    token, tls = token_of(settings.vault), _tls(settings)
    vault, metrics = await VaultApart.connect(dsn, keys, secrets.token_bytes), Metrics()
    hello = wire.Hello(naming_keys(keys), keys.public.key_id, keys.public.raw)

    def counted(method: str, result: str) -> None:
        metrics.count("sampan_vault_calls_total", method=method, result=result)

    async def text() -> bytes:
        return metrics.text()

    try:
        running = Running(_until)
        app = health_app(vault.pool, running, text)
        app.router.routes.extend(http.routes(vault, hello, token.encode(), counted))
        await serve_app(app, settings.http, running, listening, tls)
    finally:
        await vault.close()


async def _until(stop: asyncio.Event) -> None:
    """It does nothing that it was not asked for."""
    await stop.wait()


def _silent() -> SetupProblem:
    return SetupProblem("The vault's database does not answer.", code="no-database", field=_FIELD,
                        remedy="Start it, create it where there is none, or correct its address.")  # fmt: skip


def _named(settings: ServerSettings) -> str:
    if settings.vault.database_url is None:
        raise SetupProblem("The vault needs a database of its own.", code="no-vault-database", field=_FIELD,
                           remedy="Name one, or let each service hold the keyring: leave out SAMPAN_VAULT__URL.",
                           )  # fmt: skip
    return settings.vault.database_url.get_secret_value()


def _tls(settings: ServerSettings) -> tuple[Path, Path] | None:
    certificate, key = settings.vault.certificate, settings.vault.private_key
    if certificate is not None and key is not None:
        return certificate, key
    if certificate is not None or key is not None:  # whoever named one believes that the line is closed
        raise SetupProblem(
            "A certificate serves only with its private key.", code="vault-half-tls",
            field="SAMPAN_VAULT__" + ("PRIVATE_KEY" if key is None else "CERTIFICATE"),
            remedy="Name both (PEM), or neither.",
        )  # fmt: skip
    if not settings.http.is_loopback:
        raise SetupProblem(
            "Keys would travel in clear to whoever reaches this address.", code="vault-in-clear",
            field="SAMPAN_VAULT__CERTIFICATE",
            remedy="Name certificate and private key (PEM), or listen on 127.0.0.1.",
        )  # fmt: skip
    return None

"""Where a process's keys are: in its own keyring, or with a vault in a process of its own."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from contracts.errors import SetupProblem
from contracts.ids import Random
from services.assembly.settings import VaultSettings
from services.runtime.clock import Clock
from services.vault.errors import VaultAway
from services.vault.keyring import Keyring
from services.vault.port import VaultDoor
from services.vault.remote import VaultRemote, check_url
from services.vault.vault import Vault

TOKEN_CHARACTERS_MIN: Final = 32
_AGAIN_SECONDS: Final = 0.5


def token_of(settings: VaultSettings) -> str:
    """What vault and services know each other by.

    Raises:
        SetupProblem: ``no-vault-token``; it is missing, or short enough to be guessed.
    """
    token = settings.token.get_secret_value().strip() if settings.token else ""
    if len(token) < TOKEN_CHARACTERS_MIN:
        raise SetupProblem(
            "Vault and services need a token in common.", code="no-vault-token", field="SAMPAN_VAULT__TOKEN",
            remedy=f"Give all of them one of at least {TOKEN_CHARACTERS_MIN} random characters: openssl rand -hex 32.",
        )  # fmt: skip
    return token


@asynccontextmanager
async def door(
    settings: VaultSettings, keys: Keyring | None, random: Random, clock: Clock,
    say: Callable[[str], None] = lambda sentence: None,
) -> AsyncIterator[VaultDoor]:  # fmt: skip
    """The vault that this process goes to.

    Args:
        keys: None where the settings name a vault elsewhere.
        say: told, once, that the vault is waited for.

    Raises:
        SetupProblem: ``vault-away``, it did not come up in time; ``vault-token``, ``vault-in-clear`` …
    """
    if settings.url is None:
        assert keys is not None
        yield Vault(keys, random)
        return
    vault = await _connected(settings, settings.url, random, clock, say)
    try:
        yield vault
    finally:
        await vault.close()


async def _connected(
    settings: VaultSettings, url: str, random: Random, clock: Clock, say: Callable[[str], None]
) -> VaultRemote:
    check_url(url)
    token, trusted = token_of(settings), _trusted(settings)
    until, told = clock.now() + timedelta(seconds=settings.wait_seconds), False
    while True:
        try:
            return await VaultRemote.connect(url, token, random, ca=trusted)
        except VaultAway:
            if clock.now() >= until:
                raise SetupProblem(
                    f"The vault did not answer within {settings.wait_seconds:g} seconds.", code="vault-away",
                    field="SAMPAN_VAULT__URL", remedy="Start it (sampan run vault), or correct its address.",
                ) from None  # fmt: skip
        if not told:
            say(f"waiting for the vault at {url} …")
            told = True
        await clock.sleep(_AGAIN_SECONDS)


def _trusted(settings: VaultSettings) -> ssl.SSLContext | None:
    if settings.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ssl.SSLError):
        raise SetupProblem("This is no file of certificates to trust.", code="bad-ca-file",
                           field="SAMPAN_VAULT__CA_FILE", remedy="Name a PEM file that this user may read.",
                           ) from None  # fmt: skip

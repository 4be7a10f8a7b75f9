"""The paths of a vault's process, without the process."""

from __future__ import annotations

from fastapi import FastAPI

from services.vault import http, wire
from services.vault.apart import VaultApart
from services.vault.keyring import Keyring
from services.vault.naming import naming_keys

TOKEN = "the-token-of-this-test"


def served(vault: VaultApart, keyring: Keyring) -> FastAPI:
    """The application."""
    app = FastAPI()
    app.state.close_streams = lambda: None
    hello = wire.Hello(naming_keys(keyring), keyring.public.key_id, keyring.public.raw)
    app.router.routes.extend(http.routes(vault, hello, TOKEN.encode(), lambda method, outcome: None))
    return app

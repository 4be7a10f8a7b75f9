"""Where things are on this machine: the server's address, tokens, signing keys, the spool.

``client.json`` says ``{"url", "tokens_dir", "keys_dir"}``; folders may be relative to the file. Looked for in
``$SAMPAN_DATA``, then ``./data``, then ``data/`` of the checkout (in each, ``client/`` first), then the user's
configuration folder.
``$SAMPAN_URL`` overrides the address. An agency's token is ``tokens_dir/<slug>.token``, its signing key
``keys_dir/<slug>.key`` = ``{"key_id": "…", "seed": "<base64 of 32 bytes>"}``, both for their owner alone.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import platformdirs

from contracts.errors import SetupProblem
from services.client.files import private_folder, read_private, write_private

CONFIG_NAME: Final = "client.json"
BESIDE_SERVER: Final = "client"
"""Folder inside a server's data folder, so that the client's closed folders do not shut the database out."""
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_SLUG: Final = re.compile(r"[a-z][a-z0-9-]{1,62}")
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An agency's ed25519 key as this machine holds it; prints without its seed."""

    key_id: str
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """An agency in whose name this machine may speak."""

    agency: str
    token: str = field(repr=False)
    key: SigningKey | None


@dataclass(frozen=True, slots=True)
class Home:
    """The folder where this client keeps its things, and the server it speaks to."""

    folder: Path
    url: str
    tokens_dir: Path
    keys_dir: Path

    def agencies(self) -> list[str]:
        """Slugs of the agencies whose tokens lie here, sorted."""
        return sorted(path.stem for path in self.tokens_dir.glob("*.token") if _SLUG.fullmatch(path.stem))

    def profile(self, agency: str) -> Profile:
        """The token and key of ``agency``.

        Raises:
            SetupProblem: no such profile here, or its files are open to others or damaged.
        """
        known = self.agencies()
        if agency not in known:
            raise SetupProblem(
                f"this machine holds no token for {agency if _SLUG.fullmatch(agency) else 'that name'}.",
                code="unknown-profile",
                remedy=_which_exist(known, self.tokens_dir),
            )
        token = read_private(self.tokens_dir / f"{agency}.token", "token").decode("ascii", "replace").strip()
        if not re.fullmatch(r"[\x21-\x7e]{8,512}", token):
            raise SetupProblem(
                f"the token file {agency}.token does not hold a token.",
                code="bad-token-file",
                remedy="Put the token there again, on one line.",
            )
        return Profile(agency, token, self._signing_key(agency))

    def choose(self, asked: str | None) -> Profile:
        """The profile that was asked for, or the only one there is.

        Raises:
            SetupProblem: none asked for and there are several, or none at all.
        """
        if asked:
            return self.profile(asked)
        known = self.agencies()
        if len(known) == 1:
            return self.profile(known[0])
        raise SetupProblem(
            "who is asking? Say it with --as AGENCY, or set SAMPAN_AS.",
            code="no-profile-chosen",
            remedy=_which_exist(known, self.tokens_dir),
        )

    def _signing_key(self, agency: str) -> SigningKey | None:
        path = self.keys_dir / f"{agency}.key"
        if not path.exists():
            return None
        content = read_private(path, "signing key")
        try:
            document = json.loads(content)
            seed = base64.b64decode(document["seed"], validate=True)
            key_id = document["key_id"]
            if len(seed) != 32 or not isinstance(key_id, str):
                raise ValueError
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise SetupProblem(
                f"the key file {path.name} is damaged.",
                code="bad-key-file",
                remedy='It should hold {"key_id": "...", "seed": "base64 of 32 bytes"}.',
            ) from None
        return SigningKey(key_id, seed)


def find_home(env: Mapping[str, str], cwd: Path) -> Home:
    """Find this client's folder and the server's address.

    Raises:
        SetupProblem: no address known, ``client.json`` damaged, or plain http to another machine.
    """
    folder = _folder(env, cwd)
    config = _read_config(folder)
    url = (env.get("SAMPAN_URL") or config.get("url") or "").rstrip("/")
    if not url:
        raise SetupProblem(
            "no Sampan server is known on this machine.",
            code="no-server-known",
            remedy=f"Start one with `make run`, or set SAMPAN_URL, or write {CONFIG_NAME} in {folder}.",
        )
    _check_url(url)
    return Home(
        folder,
        url,
        folder / config.get("tokens_dir", "tokens"),
        folder / config.get("keys_dir", "keys"),
    )


def write_profile(home: Home, agency: str, token: str, key: SigningKey | None) -> None:
    """Store a token and, where given, a signing key, each in an owner-only file."""
    write_private(private_folder(home.tokens_dir) / f"{agency}.token", token.encode() + b"\n")
    if key is not None:
        document = {"key_id": key.key_id, "seed": base64.b64encode(key.seed).decode()}
        write_private(private_folder(home.keys_dir) / f"{agency}.key", json.dumps(document).encode() + b"\n")


def write_config(folder: Path, url: str, tokens_dir: str = "tokens", keys_dir: str = "keys") -> None:
    """Write ``client.json`` in ``folder``."""
    document = {"url": url, "tokens_dir": tokens_dir, "keys_dir": keys_dir}
    write_private(folder / CONFIG_NAME, json.dumps(document, indent=1).encode() + b"\n")


def _folder(env: Mapping[str, str], cwd: Path) -> Path:
    """A server's data folder holds the client's things in a folder of their own."""
    if env.get("SAMPAN_DATA"):
        named = cwd / env["SAMPAN_DATA"]
        beside = named / BESIDE_SERVER
        return beside if (beside / CONFIG_NAME).is_file() else named
    for data in (cwd / "data", _CHECKOUT / "data"):
        for candidate in (data / BESIDE_SERVER, data):
            if (candidate / CONFIG_NAME).is_file():
                return candidate
    return platformdirs.user_config_path("sampan", appauthor=False)


def _read_config(folder: Path) -> dict[str, str]:
    path = folder / CONFIG_NAME
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        raise SetupProblem(
            f"{path} cannot be read.",
            code="bad-client-config",
            remedy='It should hold {"url": "...", "tokens_dir": "tokens", "keys_dir": "keys"}.',
        )
    return document


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return
    raise SetupProblem(
        "the server's address must begin with https://.",
        code="unsafe-address",
        remedy="Plain http is for a server on this machine alone (http://127.0.0.1:...).",
    )


def _which_exist(known: list[str], folder: Path) -> str:
    if not known:
        return f"There are no token files in {folder}; `make run` makes them for the demo agencies."
    shown = ", ".join(known[:12]) + (" …" if len(known) > 12 else "")
    return f"Here are: {shown}."

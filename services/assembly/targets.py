"""Where agencies' own systems are: a deployment's settings, kept apart from the directory.

# targets.yaml, owner-only
rfp-kh:
  primero:
    url: https://primero.example.org
    user: sampan
    password: …
    lookups: {transitioned_to: ministry}      # over the stock child-protection codes
shelter-th:
  webhook:
    url: https://shelter.example.org
    path: /hooks/sampan
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from adapters.channels.ed25519 import secret_of, signer
from adapters.channels.http import BasicAuth, HttpChannel
from adapters.primero.codes import DEFAULT_CP, Lookups
from contracts.errors import InvalidInput, SetupProblem
from contracts.yaml_text import load_yaml
from services.edge.targets import PrimeroTarget, Target, WebhookTarget

_KEYS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "primero": (frozenset({"url", "user", "password"}), frozenset({"lookups"})),
    "webhook": (frozenset({"url"}), frozenset({"path"})),
}
"""Channel → (settings it needs, settings it may have)."""


class Agencies(Protocol):
    """Who may stand in the file: a directory, or one agency at its own edge."""

    def has(self, slug: str) -> bool: ...


def load_targets(
    path: Path, directory: Agencies, webhook_seed: bytes, *, allow_loopback: bool = False
) -> dict[tuple[str, str], Target]:
    """Read the file of targets.

    Args:
        webhook_seed: this instance's signing seed for notices.
        allow_loopback: the demo's systems are on this machine and speak plain HTTP.

    Raises:
        SetupProblem: the file is missing, or open to others (it holds passwords).
        InvalidInput: an unknown agency, channel or setting; names file and line.
    """
    _check_private(path)
    found: dict[tuple[str, str], Target] = {}
    for slug, channels in (load_yaml(path.read_text(encoding="utf-8"), path.name) or {}).items():
        if not directory.has(slug):
            raise _bad(
                path, str(slug), "no such agency in the directory", "`sampan agencies --all` lists them."
            )
        for channel, settings in (channels or {}).items():
            where = f"{slug}.{channel}"
            found[slug, channel] = _target(path, where, channel, settings or {}, webhook_seed, allow_loopback)
    return found


def _target(
    path: Path, where: str, channel: str, settings: Mapping[str, Any], seed: bytes, allow_loopback: bool
) -> Target:
    if channel not in _KEYS:
        raise _bad(path, where, "no such channel", "Known: " + ", ".join(sorted(_KEYS)) + ".")
    needed, optional = _KEYS[channel]
    for missing in sorted(needed - set(settings)):
        raise _bad(path, f"{where}.{missing}", "this setting is missing", "Add it.")
    for unknown in sorted(set(settings) - needed - optional):
        raise _bad(
            path,
            f"{where}.{unknown}",
            "there is no such setting",
            "Known: " + ", ".join(sorted(needed | optional)) + ".",
        )
    if channel == "primero":
        auth = BasicAuth(str(settings["user"]), str(settings["password"]))
        lookups = Lookups.from_mapping({**DEFAULT_CP, **settings.get("lookups", {})})
        url = str(settings["url"])
        return PrimeroTarget(HttpChannel(url, auth, allow_insecure_loopback=allow_loopback), lookups)
    path_ = str(settings.get("path", "/"))
    channel_ = HttpChannel(str(settings["url"]), allow_insecure_loopback=allow_loopback)
    return WebhookTarget(channel_, path_, (signer(secret_of(seed)),))


def _check_private(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:
        raise SetupProblem("the file of targets cannot be read", code="no-targets-file", field=str(path),
                           remedy="Check SAMPAN_TARGETS.") from None  # fmt: skip
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise SetupProblem("others on this machine can read the file of targets", code="targets-open-to-others",
                           field=str(path), remedy=f"It holds passwords: chmod 600 {path}.")  # fmt: skip


def _bad(path: Path, where: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="bad-target", field=f"{path.name}: {where}", remedy=remedy)

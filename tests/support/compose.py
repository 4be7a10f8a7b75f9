"""The Compose file, as a container engine would read it: anchors merged, nothing else resolved."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

import yaml
from pydantic import BaseModel

from tests.support.repository import ROOT

FOLDER: Final = ROOT / "deploy" / "compose"


@cache
def compose() -> dict[str, Any]:
    """The file's content."""
    return cast("dict[str, Any]", yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8")))


@cache
def specification() -> dict[str, Any]:
    """The JSON Schema of the Compose specification, as check-jsonschema carries it."""
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    return cast("dict[str, Any]", json.loads(vendored.read_text(encoding="utf-8")))


def members() -> dict[str, dict[str, Any]]:
    """The containers whose command is ``sampan run``, by the service that it names."""
    services: dict[str, dict[str, Any]] = compose()["services"]
    return {s["command"][1]: s for s in services.values() if s.get("command", [""])[0] == "run"}


def ours() -> dict[str, dict[str, Any]]:
    """The containers of our own image, by name."""
    return {name: s for name, s in compose()["services"].items() if "build" in s}


def variables_of(model: type[BaseModel], before: str = "SAMPAN_") -> Iterator[str]:
    """Every variable that sets something in ``model``, nested ones too, in capitals."""
    for name, field in model.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from variables_of(nested, f"{before}{name.upper()}__")
        else:
            yield before + name.upper()


def ready_port(service: Mapping[str, Any]) -> int | None:
    """The port that a container asks for its own readiness; None where it asks for something else."""
    asked = re.search(r"https?://127\.0\.0\.1:(\d+)/readyz", " ".join(service["healthcheck"]["test"]))
    return int(asked[1]) if asked else None


def settings_in_files(service: Mapping[str, Any]) -> set[str]:
    """The settings that a container reads from its folder of secrets; other files there are named by variables."""
    targets = {one["target"] for one in service.get("secrets", ())}
    return {target.upper() for target in targets if target.startswith("sampan_")}


def greet(server: Path, client: Path, name: str) -> None:
    """A TLS handshake without a line, by the certificate in one folder of secrets, trusted from another.

    Raises:
        ssl.SSLCertVerificationError: the client does not know the server under this name.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server / "vault_certificate", server / "vault_private_key")
    trusting = ssl.create_default_context(cafile=client / "vault_certificate")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = context.wrap_bio(to_server, to_client, server_side=True)
    ours_ = trusting.wrap_bio(to_client, to_server, server_hostname=name)
    waiting = [ours_, theirs]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue

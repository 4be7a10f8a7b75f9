"""The folder of an agency's own edge: its private key, its token, and the hub it works for. Its owner's alone.

``edge.key`` = ``{"seed": "<base64 of 96 bytes>"}`` never leaves the machine; ``edge.json`` = ``{"url", "agency",
"agency_id", "key_id", "token"}`` is what the hub answered to its public part.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from contracts.edge_api import EdgeEnrolled
from contracts.errors import SetupProblem
from contracts.sealing.release import EDGE_SEED_BYTES, EdgePrivateKey
from services.client.files import private_folder, read_private, write_private

KEY: Final = "edge.key"
_NEXT_KEY: Final = "edge.key.next"
REGISTRATION: Final = "edge.json"


@dataclass(frozen=True, slots=True)
class EdgeHome:
    """What a registered edge works with. Prints neither key nor token."""

    url: str
    agency: str
    agency_id: UUID
    token: str = field(repr=False)
    private: EdgePrivateKey = field(repr=False)


def enrol(
    folder: Path, url: str, random: Callable[[int], bytes], register: Callable[[bytes], EdgeEnrolled],
    *, new_key: bool = False,
) -> EdgeEnrolled:  # fmt: skip
    """Make a key where there is none, register its public part, and keep what the hub answers.

    Repeatable at any point: a key that was made and perhaps registered before a crash is registered again.

    Args:
        register: sends the public key in the agency's name.
        new_key: replace the key that lies here; the hub ends it.

    Raises:
        SetupProblem: the folder cannot be written, or the key in it is damaged.
        SampanError: what ``register`` raises; the earlier key and registration stay as they are.
    """
    key, next_key = private_folder(folder) / KEY, folder / _NEXT_KEY
    if not next_key.exists() and (new_key or not key.exists()):
        seed = base64.b64encode(random(EDGE_SEED_BYTES)).decode()
        write_private(next_key, json.dumps({"seed": seed}).encode() + b"\n")
    path = next_key if next_key.exists() else key
    enrolled = register(_private(path).public.raw)
    if path == next_key:
        os.replace(next_key, key)
    document = {
        "url": url, "agency": enrolled.agency, "agency_id": str(enrolled.agency_id),
        "key_id": enrolled.key_id, "token": enrolled.token,
    }  # fmt: skip
    write_private(folder / REGISTRATION, json.dumps(document, indent=1).encode() + b"\n")
    return enrolled


def read_edge_home(folder: Path) -> EdgeHome:
    """What :func:`enrol` left.

    Raises:
        SetupProblem: nothing registered here, files open to others, damaged, or of two different registrations.
    """
    if not (folder / REGISTRATION).exists():
        raise SetupProblem(
            f"no edge is registered in {folder}.", code="no-edge-here", field="--home",
            remedy="Run: sampan edge init --as AGENCY --home FOLDER.",
        )  # fmt: skip
    private = _private(folder / KEY)
    try:
        said = json.loads(read_private(folder / REGISTRATION, "edge's registration"))
        home = EdgeHome(said["url"], said["agency"], UUID(said["agency_id"]), said["token"], private)
        key_id = said["key_id"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _damaged(folder / REGISTRATION) from None
    if key_id != private.public.key_id:
        raise SetupProblem(
            "the key here is not the one that was registered.", code="edge-not-registered", field="--home",
            remedy="Run `sampan edge init` again; it finishes what was begun.",
        )  # fmt: skip
    return home


def _private(path: Path) -> EdgePrivateKey:
    content = read_private(path, "edge's key")
    try:
        seed = base64.b64decode(json.loads(content)["seed"], validate=True)
        if len(seed) != EDGE_SEED_BYTES:
            raise ValueError
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise _damaged(path) from None
    return EdgePrivateKey(seed)


def _damaged(path: Path) -> SetupProblem:
    return SetupProblem(
        f"the file {path.name} is damaged.", code="bad-edge-file", field=path.name,
        remedy="Put your copy back, or make a new key: sampan edge init --new-key.",
    )  # fmt: skip

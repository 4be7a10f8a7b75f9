"""Schema ids: the committed lock that gives every schema name its number on the wire, for good.

``schema_ids.lock`` holds one line per schema, ``id name fingerprint``; lines are only ever added. A schema
that changes gets a new version, file and id, because old records keep theirs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fastavro.schema import to_parsing_canonical_form

from contracts.errors import NotFound, SetupProblem

FOLDER: Final = Path(__file__).with_name("schemas")
LOCK: Final = Path(__file__).with_name("schema_ids.lock")


@dataclass(frozen=True, slots=True)
class LockedSchema:
    """One line of the lock. ``name`` is ``identity.v1``; ``fingerprint`` 16 hex digits of SHA-256."""

    schema_id: int
    name: str
    fingerprint: str

    @property
    def subject(self) -> str:
        """The name without its version."""
        return self.name.rpartition(".v")[0]

    @property
    def version(self) -> int:
        """The number after ``.v``."""
        return int(self.name.rpartition(".v")[2])

    def text(self) -> str:
        """The committed schema file, as it is."""
        return (FOLDER / f"{self.name}.avsc").read_text(encoding="utf-8")


def fingerprint_of(schema: Any) -> str:
    """First 8 bytes of SHA-256 over the Parsing Canonical Form, in hex."""
    return hashlib.sha256(to_parsing_canonical_form(schema).encode()).hexdigest()[:16]


def fingerprint_of_text(text: str) -> str:
    """The same, of a schema file."""
    return fingerprint_of(json.loads(text))


def read_lock(text: str) -> tuple[LockedSchema, ...]:
    """Read the lock.

    Raises:
        SetupProblem: an unreadable line, an id or a name that stands twice, a gap in the ids.
    """
    rows: list[LockedSchema] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split()
        if len(parts) != 3 or parts[0] != str(len(rows) + 1) or parts[1] in {row.name for row in rows}:
            raise SetupProblem(
                "the schema lock is damaged",
                code="bad-lock",
                field=f"schema_ids.lock:{number}",
                remedy="Each line is `id name fingerprint`; ids count up from 1.",
            )
        rows.append(LockedSchema(int(parts[0]), parts[1], parts[2]))
    return tuple(rows)


SCHEMAS: Final = read_lock(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else ()
BY_ID: Final[Mapping[int, LockedSchema]] = MappingProxyType({row.schema_id: row for row in SCHEMAS})
SCHEMA_IDS: Final[Mapping[str, int]] = MappingProxyType({row.name: row.schema_id for row in SCHEMAS})
"""Schema name (``sealed_event.v1``) → id on the wire."""


def schema_id(name: str) -> int:
    """The wire id of a schema.

    Raises:
        NotFound: not in the lock.
    """
    if name not in SCHEMA_IDS:
        raise NotFound("no such schema", code="unknown-schema", remedy="Run `python -m contracts.generate`.")
    return SCHEMA_IDS[name]


def locked(schema_id: int) -> LockedSchema:
    """The schema behind a wire id.

    Raises:
        NotFound: an id from a newer Sampan: hold the record, update this side.
    """
    if schema_id not in BY_ID:
        raise NotFound("no schema of that id", code="unknown-schema-id",
                       remedy="The record is from a newer Sampan; update this one.")  # fmt: skip
    return BY_ID[schema_id]

"""The read side of the Confluent Schema Registry API, as pure functions over the committed lock.

Subjects are schema names (record-name strategy: one topic carries several records). Whoever wires HTTP
returns these values as JSON; nothing here can be written, because schemas are released with the code.
Source: Confluent Schema Registry API reference, "Schemas" and "Subjects".
"""

from __future__ import annotations

import json

from contracts.errors import NotFound
from contracts.schema_ids import SCHEMAS, LockedSchema, locked


def subjects() -> list[str]:
    """``GET /subjects``."""
    return sorted({row.subject for row in SCHEMAS})


def versions(subject: str) -> list[int]:
    """``GET /subjects/{subject}/versions``.

    Raises:
        NotFound: no such subject.
    """
    return [row.version for row in _of(subject)]


def version(subject: str, wanted: str) -> dict[str, object]:
    """``GET /subjects/{subject}/versions/{wanted}``; ``wanted`` is a number or ``latest``.

    Raises:
        NotFound: no such subject or version.
    """
    rows = _of(subject)
    row = rows[-1] if wanted == "latest" else next((r for r in rows if str(r.version) == wanted), None)
    if row is None:
        raise NotFound("no such version", code="unknown-version", remedy="Ask for `latest`.")
    return {"subject": subject, "id": row.schema_id, "version": row.version, "schema": _compact(row)}


def schema(schema_id: int) -> dict[str, object]:
    """``GET /schemas/ids/{id}``.

    Raises:
        NotFound: no such id.
    """
    return {"schema": _compact(locked(schema_id))}


def schema_versions(schema_id: int) -> list[dict[str, object]]:
    """``GET /schemas/ids/{id}/versions``.

    Raises:
        NotFound: no such id.
    """
    row = locked(schema_id)
    return [{"subject": row.subject, "version": row.version}]


def types() -> list[str]:
    """``GET /schemas/types``."""
    return ["AVRO"]


def config() -> dict[str, str]:
    """``GET /config``: what the drift check demands of every new version."""
    return {"compatibilityLevel": "FULL_TRANSITIVE"}


def _of(subject: str) -> list[LockedSchema]:
    rows = sorted((row for row in SCHEMAS if row.subject == subject), key=lambda row: row.version)
    if not rows:
        raise NotFound("no such subject", code="unknown-subject", remedy="`GET /subjects` lists them.")
    return rows


def _compact(row: LockedSchema) -> str:
    return json.dumps(json.loads(row.text()), separators=(",", ":"), ensure_ascii=False)

"""Models to Avro bytes and back. The only place where a private value is written out: into bytes to seal."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import fastavro
from fastavro.schema import to_parsing_canonical_form
from pydantic import BaseModel, ValidationError

from contracts.avro import schema_of
from contracts.errors import InvalidInput
from contracts.private import Private

M = TypeVar("M", bound=BaseModel)

FINGERPRINT_BYTES = 8
_SCALARS = frozenset({str, int, float, bool, bytes, UUID, date, datetime})
_parsed: dict[type[BaseModel], tuple[Any, bytes]] = {}
_names: dict[type[BaseModel], list[tuple[str, str]]] = {}


def _schema(model: type[BaseModel]) -> tuple[Any, bytes]:
    known = _parsed.get(model)
    if known is None:
        written = schema_of(model)
        canonical = to_parsing_canonical_form(written)
        digest = hashlib.sha256(canonical.encode()).digest()[:FINGERPRINT_BYTES]
        # A fresh copy by way of JSON: the parser keeps named types in what it is given.
        known = _parsed[model] = (fastavro.parse_schema(json.loads(json.dumps(written))), digest)
    return known


def fingerprint(model: type[BaseModel]) -> bytes:
    """First 8 bytes of SHA-256 over the Parsing Canonical Form (Avro 1.12, "Schema Fingerprints")."""
    return _schema(model)[1]


def encode(model: BaseModel) -> bytes:
    """Avro binary (schemaless) of ``model``, private values written out.

    Raises:
        InvalidInput: a value does not fit the written schema; carries no value.
    """
    buffer = io.BytesIO()
    try:
        fastavro.schemaless_writer(buffer, _schema(type(model))[0], _revealed(model))
    except (ValueError, TypeError, OverflowError):  # fastavro's own message echoes the value
        raise InvalidInput("a value does not fit its schema", code="bad-encoding") from None
    return buffer.getvalue()


def _revealed(value: Any) -> Any:
    """Plain values for the writer, unset fields left out. Five times faster than ``model_dump``, and hot."""
    kind = type(value)
    if kind is Private:
        return _revealed(value.reveal())
    if kind in _SCALARS:
        return value
    if isinstance(value, BaseModel):
        attributes = value.__dict__
        return {
            wire: _revealed(stated)
            for name, wire in _wire_names(kind)
            if (stated := attributes[name]) is not None
        }
    if isinstance(value, dict):
        return {key: _revealed(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_revealed(inner) for inner in value]
    return value


def _wire_names(model: type[BaseModel]) -> list[tuple[str, str]]:
    known = _names.get(model)
    if known is None:
        known = _names[model] = [(name, field.alias or name) for name, field in model.model_fields.items()]
    return known


def decode(model: type[M], data: bytes) -> M:
    """Read what :func:`encode` wrote.

    Raises:
        InvalidInput: not this schema, cut short, or trailing bytes; carries no byte of the input.
    """
    buffer = io.BytesIO(data)
    try:
        value = fastavro.schemaless_reader(buffer, _schema(model)[0], None)
        if buffer.tell() != len(data):
            raise ValueError
        return model.model_validate(value)
    except ValidationError as error:
        where = _place(error.errors(include_input=False)[0]["loc"])
        raise InvalidInput("a field does not fit its contract", code="bad-field", field=where) from None
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        EOFError,
        OverflowError,
        RecursionError,
        MemoryError,
    ):
        raise InvalidInput(
            "the bytes are not of the expected schema",
            code="bad-encoding",
            remedy="Make the document anew; if it came from another version of Sampan, update this one.",
        ) from None


def _place(parts: tuple[int | str, ...]) -> str:
    """The field's path, as far as its words are ours: the keys of ``other`` are the sender's."""
    ours: list[str] = []
    for part in parts:
        if isinstance(part, str) and not part.isidentifier():
            break
        ours.append(str(part))
        if part == "other":
            break
    return ".".join(ours)

"""Models to Avro bytes and back. The only place where a private value is written out: into bytes to seal."""

from __future__ import annotations

import io
from typing import Any, NamedTuple, TypeVar

import fastavro
from pydantic import BaseModel, ValidationError

from contracts.avro import schema_of
from contracts.avro_writer import Write, compile_record
from contracts.errors import InvalidInput
from contracts.schema_ids import fingerprint_of

M = TypeVar("M", bound=BaseModel)


class _Compiled(NamedTuple):
    """What is made once per model."""

    parsed: Any
    fingerprint: bytes
    write: Write


_known: dict[type[BaseModel], _Compiled] = {}


def _compiled(model: type[BaseModel]) -> _Compiled:
    known = _known.get(model)
    if known is None:
        schema = schema_of(model)
        # A copy of its own: the parser keeps named types in what it is given.
        parsed = fastavro.parse_schema(_ids_as_text(schema))
        known = _known[model] = _Compiled(
            parsed, bytes.fromhex(fingerprint_of(schema)), compile_record(schema, model)
        )
    return known


def _ids_as_text(schema: Any) -> Any:
    """The schema to read by: an id is read as its text, and the model makes it an id, three times as fast."""
    if isinstance(schema, dict):
        if schema.get("logicalType") == "uuid":
            return "string"
        return {name: _ids_as_text(part) for name, part in schema.items()}
    return [_ids_as_text(part) for part in schema] if isinstance(schema, list) else schema


def fingerprint(model: type[BaseModel]) -> bytes:
    """First 8 bytes of SHA-256 over the Parsing Canonical Form (Avro 1.12, "Schema Fingerprints")."""
    return _compiled(model).fingerprint


def encode(model: BaseModel) -> bytes:
    """Avro binary (schemaless) of ``model``, private values written out.

    Raises:
        InvalidInput: a value does not fit the written schema; carries no value.
    """
    out = bytearray()
    try:
        _compiled(type(model)).write(model, out)
    except (ValueError, TypeError, OverflowError, AttributeError):  # their messages echo the value
        raise InvalidInput("a value does not fit its schema", code="bad-encoding") from None
    return bytes(out)


def decode(model: type[M], data: bytes) -> M:
    """Read what :func:`encode` wrote.

    Raises:
        InvalidInput: not this schema, cut short, or trailing bytes; carries no byte of the input.
    """
    buffer = io.BytesIO(data)
    try:
        value = fastavro.schemaless_reader(buffer, _compiled(model).parsed, None)
        if buffer.tell() != len(data):
            raise ValueError
        return model.model_validate(value)
    except ValidationError as error:
        where = place_of(error.errors(include_input=False)[0]["loc"])
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


def place_of(parts: tuple[int | str, ...]) -> str:
    """The field's path, as far as its words are ours: the keys of ``other`` are the sender's."""
    ours: list[str] = []
    for part in parts:
        if isinstance(part, str) and not part.isidentifier():
            break
        ours.append(str(part))
        if part == "other":
            break
    return ".".join(ours)

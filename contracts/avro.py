"""Avro schemas written from the models, so that the model is the one place where a shape is stated.

Mapping (Avro 1.12): text, codes and enumerations become ``string`` (a new code must not break an old
reader; the model holds the closed list), UUID and times their logical types, ``Private[T]`` the schema of
``T``, optional fields a union with null that defaults to null.
"""

from __future__ import annotations

import types
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from contracts.private import Private

NAMESPACE = "org.sampan"

_PRIMITIVES: dict[Any, Any] = {
    str: "string",
    bool: "boolean",
    int: "long",
    float: "double",
    bytes: "bytes",
    UUID: {"type": "string", "logicalType": "uuid"},
    datetime: {"type": "long", "logicalType": "timestamp-micros"},
    date: {"type": "int", "logicalType": "date"},
}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The Avro record schema of ``model``; nested records are written out where first used.

    Raises:
        TypeError: a field's type has no Avro form; names model and field.
    """
    record: dict[str, Any] = _record(model, set())
    return record


def _record(model: type[BaseModel], seen: set[str]) -> Any:
    name = model.__name__
    if name in seen:
        return f"{NAMESPACE}.{name}"
    seen.add(name)
    fields = []
    for field_name, field in model.model_fields.items():
        try:
            schema = _schema(field.annotation, seen)
        except TypeError as error:
            raise TypeError(f"{name}.{field_name}: {error}") from None
        entry: dict[str, Any] = {"name": field.alias or field_name, "type": schema}
        if isinstance(schema, list) and schema[0] == "null":
            entry["default"] = None
        elif isinstance(schema, dict) and schema.get("type") == "array":
            entry["default"] = []
        elif isinstance(schema, dict) and schema.get("type") == "map":
            entry["default"] = {}
        elif isinstance(field.default, str | bool | int) and not isinstance(field.default, Enum):
            entry["default"] = field.default
        fields.append(entry)
    return {"type": "record", "name": name, "namespace": NAMESPACE, "fields": fields}


def _schema(annotation: Any, seen: set[str]) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Annotated, Private):
        return _schema(args[0], seen)
    if origin is Literal:
        return "string"
    if origin in (Union, types.UnionType):
        return _union(args, seen)
    if origin in (list, tuple, set, frozenset):
        return {"type": "array", "items": _schema(args[0], seen)}
    if origin is dict:
        return {"type": "map", "values": _schema(args[1], seen)}
    if annotation in _PRIMITIVES:
        return _PRIMITIVES[annotation]
    return _named(annotation, seen)


def _named(annotation: Any, seen: set[str]) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _record(annotation, seen)
    if isinstance(annotation, type) and issubclass(annotation, str):
        return "string"
    metadata = getattr(annotation, "__name__", "")
    if metadata == "AwareDatetime":
        return _PRIMITIVES[datetime]
    raise TypeError(f"no Avro form for {annotation!r}")


def _union(args: tuple[Any, ...], seen: set[str]) -> list[Any]:
    branches: list[Any] = []
    for arg in args:
        branch = "null" if arg is type(None) else _schema(arg, seen)
        if branch not in branches:
            branches.append(branch)
    return sorted(branches, key=lambda branch: branch != "null")

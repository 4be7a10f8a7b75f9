"""May a reader with one Avro schema read what another wrote? Pure, after Avro 1.12, "Schema Resolution".

Both directions are asked of every new version: old records are read for years (replay, audit), and an agency
updates its edge when it can, so new records meet old readers too.
"""

from __future__ import annotations

from typing import Any, Final

_PROMOTIONS: Final = {
    ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"),
    ("float", "double"), ("string", "bytes"), ("bytes", "string"),
}  # fmt: skip

Path = tuple[str, ...]


def incompatibilities(reader: Any, writer: Any) -> list[str]:
    """Why ``reader`` cannot read what ``writer`` wrote, as dotted paths; empty if it can."""
    names: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    _collect(reader, names[0])
    _collect(writer, names[1])
    return _compare(reader, writer, names, (), set())


def _collect(schema: Any, names: dict[str, Any]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _collect(branch, names)
    elif isinstance(schema, dict):
        if "name" in schema and schema.get("type") in ("record", "fixed", "enum"):
            names[_short(schema)] = schema
        for field in schema.get("fields", ()):
            _collect(field["type"], names)
        for key in ("items", "values", "type"):
            if isinstance(schema.get(key), dict | list):
                _collect(schema[key], names)


def _short(schema: Any) -> str:
    return str(schema["name"] if isinstance(schema, dict) else schema).rpartition(".")[2]


def _kind(schema: Any) -> str:
    return "union" if isinstance(schema, list) else schema["type"] if isinstance(schema, dict) else schema


def _resolve(schema: Any, names: dict[str, Any]) -> Any:
    if isinstance(schema, dict) and isinstance(schema.get("type"), dict | list):
        return _resolve(schema["type"], names)
    return names.get(_short(schema), schema) if isinstance(schema, str) else schema


def _compare(
    reader: Any,
    writer: Any,
    names: tuple[dict[str, Any], dict[str, Any]],
    path: Path,
    seen: set[tuple[str, str]],
) -> list[str]:
    reader, writer = _resolve(reader, names[0]), _resolve(writer, names[1])
    if isinstance(writer, list):
        return [bad for branch in writer for bad in _compare(reader, branch, names, path, seen)]
    if isinstance(reader, list):
        tries = [_compare(branch, writer, names, path, seen) for branch in reader]
        return [] if any(not bad for bad in tries) else [_say(path, f"no branch takes {_kind(writer)}")]
    kinds = (_kind(reader), _kind(writer))
    if kinds[0] != kinds[1]:
        return [] if (kinds[1], kinds[0]) in _PROMOTIONS else [_say(path, f"{kinds[1]} is not {kinds[0]}")]
    match kinds[0]:
        case "record":
            return _records(reader, writer, names, path, seen)
        case "array":
            return _compare(reader["items"], writer["items"], names, (*path, "[]"), seen)
        case "map":
            return _compare(reader["values"], writer["values"], names, (*path, "{}"), seen)
        case "fixed":
            return [] if reader["size"] == writer["size"] else [_say(path, "another size")]
    return [] if _logical(reader) == _logical(writer) else [_say(path, "another logical type")]


def _records(
    reader: Any,
    writer: Any,
    names: tuple[dict[str, Any], dict[str, Any]],
    path: Path,
    seen: set[tuple[str, str]],
) -> list[str]:
    pair = (_short(reader), _short(writer))
    if pair in seen:
        return []
    written = {field["name"]: field for field in writer["fields"]}
    found: list[str] = []
    for field in reader["fields"]:
        inside = (*path, field["name"])
        if field["name"] in written:
            found += _compare(field["type"], written[field["name"]]["type"], names, inside, seen | {pair})
        elif "default" not in field:
            found.append(_say(inside, "missing, and without a default"))
    return found


def _logical(schema: Any) -> Any:
    return schema.get("logicalType") if isinstance(schema, dict) else None


def _say(path: Path, what: str) -> str:
    return f"{'.'.join(path) or '(top)'}: {what}"

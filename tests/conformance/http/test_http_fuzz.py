"""No request makes the server fail: random paths, queries, headers and bodies to every operation of the document."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from tests.support.http_world import HttpWorld, open_http
from tests.support.postgres import FreshDatabase
from tests.support.services_world import open_world

CANARY = "Qaxwell"
STRANGE = [
    "", "0", "-1", "9" * 40, "null", "true", CANARY, "\0", "\u202e\uffff", "' or 1=1 --", "../../etc", "%s%n",
    "00000000-0000-0000-0000-000000000000", "SP-K7RM-4TQX", "2026-02-30", "1e999", "[]", "{}",
]  # fmt: skip
ROUNDS = 40


@pytest.fixture
async def http(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[HttpWorld]:
    async with open_world(fresh_database, tmp_path) as world, open_http(world) as opened:
        yield opened


def value(dice: random.Random, depth: int = 3) -> Any:
    """Any JSON value, nested a little."""
    match dice.randrange(8 if depth else 5):
        case 0:
            return dice.choice([None, True, False])
        case 1:
            return dice.choice([0, -1, 2**70, 1e300])
        case 2 | 3 | 4:
            return dice.choice(STRANGE)
        case 5:
            return [value(dice, depth - 1) for _ in range(dice.randrange(4))]
        case _:
            return {dice.choice(STRANGE): value(dice, depth - 1) for _ in range(dice.randrange(4))}


def shaped(schema: dict[str, Any], schemas: dict[str, Any], dice: random.Random, depth: int = 6) -> Any:
    """A value that nearly fits a schema: mostly right, here and there something strange."""
    if depth == 0 or dice.random() < 0.12:
        return value(dice)
    if "$ref" in schema:
        return shaped(schemas[schema["$ref"].rpartition("/")[2]], schemas, dice, depth)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return shaped(dice.choice(schema[union]), schemas, dice, depth)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {
                name: shaped(inner, schemas, dice, depth - 1)
                for name, inner in properties.items()
                if name in schema.get("required", ()) or dice.random() < 0.4
            }
        case "array":
            return [
                shaped(schema.get("items", {}), schemas, dice, depth - 1) for _ in range(dice.randrange(3))
            ]
        case "integer" | "number":
            return dice.choice([0, 1, 40, -3])
        case "boolean":
            return dice.random() < 0.5
        case "string" if schema.get("format") == "uuid":
            return str(UUID(int=dice.getrandbits(128), version=4))
        case "string" if schema.get("format") == "date-time":
            return "2026-03-02T02:00:00Z"
        case _:
            return dice.choice(STRANGE)


@pytest.mark.parametrize("seed", range(4))
async def test_no_request_makes_the_server_fail(http: HttpWorld, seed: int) -> None:
    """Every operation answers forty strange requests below 500, refusals as problems, no value repeated."""
    dice = random.Random(seed)
    http.world.instance.assisted.enrol("ngo-th", await http.world.keys("ngo-th"))
    await http.world.refer()
    tokens = [await http.token("ngo-th"), await http.token("shelter-th"), await http.token("operator")]
    made = http.app.openapi()
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            if path.endswith("/stream"):
                continue  # endless where it is accepted; its parameters have tests of their own
            for _ in range(ROUNDS):
                answer = await http.client.request(
                    method, _filled(path, dice), headers=dice.choice(tokens) | _headers(dice),
                    params=_query(operation, dice), content=_body(operation, made["components"]["schemas"], dice),
                )  # fmt: skip
                where = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
                assert answer.status_code < 500, where
                if answer.status_code >= 400:
                    assert answer.headers["content-type"] == "application/problem+json", where
                    assert CANARY.lower() not in answer.text.lower(), where


def _filled(path: str, dice: random.Random) -> str:
    parts = []
    for part in path.split("/"):
        strange = dice.choice([text for text in STRANGE if text not in ("", "../../etc")])
        parts.append(quote(strange, safe="") if part.startswith("{") else part)
    return "/".join(parts)


def _headers(dice: random.Random) -> dict[str, str]:
    kinds = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "")
    return {"Content-Type": dice.choice(kinds)}


def _query(operation: dict[str, Any], dice: random.Random) -> dict[str, str]:
    named = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    return {name: dice.choice(STRANGE) for name in (*named, CANARY) if dice.random() < 0.5}


def _body(operation: dict[str, Any], schemas: dict[str, Any], dice: random.Random) -> bytes:
    if "requestBody" not in operation or dice.random() < 0.2:
        return dice.choice([b"", b"\xff\xfe", b"{", dice.randbytes(300)])
    (content,) = operation["requestBody"]["content"].values()
    return json.dumps(shaped(content["schema"], schemas, dice)).encode()

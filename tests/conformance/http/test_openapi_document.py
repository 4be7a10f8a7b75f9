"""The OpenAPI document says what the server does: valid, every path in it, problems and tokens as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from tests.support.http_world import HttpWorld, open_http
from tests.support.postgres import FreshDatabase
from tests.support.services_world import open_world

PUBLIC = ("/healthz", "/readyz", "/metrics", "/v1/instance", "/schemas", "/subjects")
BUILT_IN = ("/docs", "/redoc", "/openapi.json")


@pytest.fixture
async def http(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[HttpWorld]:
    async with open_world(fresh_database, tmp_path) as world, open_http(world) as opened:
        yield opened


def document(http: HttpWorld) -> dict[str, Any]:
    return http.app.openapi()


async def test_every_path_stands_in_the_document(http: HttpWorld) -> None:
    """No path is served that the document does not name, and none is named that is not served."""
    served = {
        (route.path, method.lower())
        for route in routes(http.app.routes)
        if not route.path.startswith(BUILT_IN)
        for method in route.methods or ()
        if method != "HEAD"
    }
    named = {(path, method) for path, operations in document(http)["paths"].items() for method in operations}
    assert named == served
    assert len(named) >= 22


def routes(found: Sequence[Any]) -> list[Any]:
    """Those of included routers too."""
    own = [route for route in found if isinstance(route, Route | APIRoute)]
    inner = [route.original_router.routes for route in found if hasattr(route, "original_router")]
    return own + [route for part in inner for route in routes(part)]


async def test_every_reference_leads_somewhere(http: HttpWorld) -> None:
    """Each ``$ref`` names a schema of the document, and each schema is valid JSON Schema 2020-12."""
    made = document(http)
    assert made["openapi"].startswith("3.1")
    schemas = made["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name
    missing = [ref for ref in references(made) if ref.removeprefix("#/components/schemas/") not in schemas]
    assert not missing


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [ref for value in part.values() for ref in references(value)]
    return [ref for value in part for ref in references(value)] if isinstance(part, list) else []


async def test_every_operation_tells_its_problems_and_who_may_call(http: HttpWorld) -> None:
    """Refusals are problem documents, not the framework's own; closed operations name the token."""
    for path, operations in document(http)["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            closed = not path.startswith(PUBLIC)
            assert (operation.get("security") == [{"token": []}]) == closed, where
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], where
            if closed:
                assert "401" in operation["responses"], where
    assert "HTTPValidationError" not in document(http)["components"]["schemas"]


async def test_the_documentation_needs_no_other_machine(http: HttpWorld) -> None:
    """The page of /docs and all that it loads come from this server."""
    page = await http.get("/docs")
    assert page.status_code == 200
    assert "swagger" in page.text.lower()
    for kind in ("src", "href"):
        for part in page.text.split(f'{kind}="')[1:]:
            address = part.partition('"')[0]
            assert not address.startswith(("http:", "https:", "//")), address
            assert (await http.get(address)).status_code == 200, address
    assert (await http.get("/openapi.json")).json() == document(http)


async def test_answers_fit_their_schemas(http: HttpWorld) -> None:
    """What the reading paths answer is what the document says that they answer."""
    receipt = await http.world.refer()
    item = (await http.world.instance.inbox.page(http.world.agency("shelter-th"), 0, 1)).items[0]
    made = document(http)
    for path, template, agency in (
        ("/v1/inbox", "/v1/inbox", "shelter-th"),
        (f"/v1/inbox/{item.dispatch}", "/v1/inbox/{dispatch}", "shelter-th"),
        (f"/v1/cases/{receipt.case_code}", "/v1/cases/{case}", "ngo-th"),
        (f"/v1/cases/{receipt.case_code}/timeline", "/v1/cases/{case}/timeline", "ngo-th"),
        ("/v1/waiting", "/v1/waiting", "shelter-th"),
        ("/v1/reviews", "/v1/reviews", "ngo-th"),
        ("/v1/lanes", "/v1/lanes", "operator"),
        ("/v1/dead-letters", "/v1/dead-letters", "operator"),
        ("/v1/instance", "/v1/instance", "ngo-th"),
        ("/v1/agencies", "/v1/agencies", "ngo-th"),
        ("/v1/me", "/v1/me", "ngo-th"),
    ):
        answer = await http.get(path, agency)
        assert answer.status_code == 200
        schema = made["paths"][template]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **schema,
            "components": made["components"],
        }
        jsonschema.validate(answer.json(), whole)

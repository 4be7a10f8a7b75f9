"""The submit paths are raw routes for speed, so their OpenAPI is written here by hand."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.api import Problem, SubmitReceipt
from contracts.open_event import OpenEvent

_RECEIPT: Final = {"$ref": "#/components/schemas/SubmitReceipt"}
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}


def _operation(summary: str, content_type: str, schema: dict[str, Any], answer_type: str) -> dict[str, Any]:
    problem = {
        "description": "A problem in words",
        "content": {"application/problem+json": {"schema": _PROBLEM}},
    }
    return {
        "post": {
            "tags": ["submit"],
            "summary": summary,
            "security": [{"token": []}],
            "requestBody": {"required": True, "content": {content_type: {"schema": schema}}},
            "responses": {
                "200": {"description": "Durable", "content": {answer_type: {"schema": _RECEIPT}}},
                **dict.fromkeys(("401", "403", "409", "413", "422", "503"), problem),
            },
        }
    }


def _paths() -> dict[str, Any]:
    binary = {"type": "string", "format": "binary"}
    sealed = "Submit a sealed event. The same id and content gets the same receipt; other content 409"
    batch = (
        "Submit sealed events, each with a 4-byte big-endian length in front; one NDJSON line of answer each"
    )
    assisted = "Submit an open event to be sealed here (assisted, and recorded as such)"
    open_event = {"$ref": "#/components/schemas/OpenEvent"}
    return {
        "/v1/submissions": _operation(sealed, "application/vnd.sampan.sealed", binary, "application/json"),
        "/v1/submissions:batch": _operation(
            batch, "application/octet-stream", binary, "application/x-ndjson"
        ),
        "/v1/assisted/submissions": _operation(assisted, "application/json", open_event, "application/json"),
    }


def describe_submit_paths(app: FastAPI) -> None:
    """Add the raw routes to the application's OpenAPI document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            made["paths"] |= _paths()
            components = made.setdefault("components", {})
            components.setdefault("securitySchemes", {})["token"] = {"type": "http", "scheme": "bearer"}
            schemas = components.setdefault("schemas", {})
            for model in (SubmitReceipt, Problem, OpenEvent):
                written = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= written.pop("$defs", {})
                schemas[model.__name__] = written
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]

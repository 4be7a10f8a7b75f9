"""The submit paths are raw routes for speed, so their OpenAPI is written here by hand."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.api import Problem, SubmitReceipt
from contracts.open_event import OpenEvent

_RECEIPT: Final = {"$ref": "#/components/schemas/SubmitReceipt"}
_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}


_PROBLEM_ANSWER: Final = {
    "description": "A problem in words",
    "content": {"application/problem+json": {"schema": _PROBLEM}},
}
PUBLIC: Final = ("/healthz", "/readyz", "/metrics", "/v1/instance", "/schemas", "/subjects")
"""Paths that answer everybody."""


def _operation(summary: str, content_type: str, schema: dict[str, Any], answer_type: str) -> dict[str, Any]:
    return {
        "post": {
            "tags": ["submit"],
            "summary": summary,
            "security": [{"token": []}],
            "requestBody": {"required": True, "content": {content_type: {"schema": schema}}},
            "responses": {
                "200": {"description": "Durable", "content": {answer_type: {"schema": _RECEIPT}}},
                **dict.fromkeys(("401", "403", "409", "413", "422", "503"), _PROBLEM_ANSWER),
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


def _say_who_and_what_else(operation: dict[str, Any], *, public: bool) -> None:
    """The token that is wanted, and problems instead of the framework's own refusals, which we never send."""
    responses = operation["responses"]
    if not public:
        operation["security"] = [{"token": []}]
        responses.setdefault("401", _PROBLEM_ANSWER)
    if "422" in responses:
        responses["422"] = _PROBLEM_ANSWER


def describe_paths(app: FastAPI) -> None:
    """Make the application's OpenAPI document say what it does: raw routes, tokens, problems."""

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
            for path, operations in made["paths"].items():
                for operation in operations.values():
                    _say_who_and_what_else(operation, public=path.startswith(PUBLIC))
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]

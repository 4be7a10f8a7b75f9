"""The read side of the Schema Registry API over HTTP: foreign consumers decode our records by it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from contracts import registry


def router() -> APIRouter:
    """Schemas are public: they hold shapes, not values."""
    api = APIRouter(tags=["schemas"])

    @api.get("/schemas/ids/{schema_id}", summary="A schema by its id on the wire")
    async def schema(schema_id: int) -> dict[str, Any]:
        return registry.schema(schema_id)

    @api.get("/schemas/ids/{schema_id}/versions", summary="Which subject and version an id is")
    async def schema_versions(schema_id: int) -> list[dict[str, Any]]:
        return registry.schema_versions(schema_id)

    @api.get("/subjects", summary="All subjects")
    async def subjects() -> list[str]:
        return registry.subjects()

    @api.get("/subjects/{subject}/versions", summary="The versions of a subject")
    async def versions(subject: str) -> list[int]:
        return registry.versions(subject)

    @api.get("/subjects/{subject}/versions/{wanted}", summary="One version, or latest")
    async def version(subject: str, wanted: str) -> dict[str, Any]:
        return registry.version(subject, wanted)

    return api

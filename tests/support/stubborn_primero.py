"""A Primero that cannot write about one person, so that her lane parks while all others flow."""

from __future__ import annotations

import h11

from deploy.demo.primero_rules import Answer
from deploy.demo.primero_server import PrimeroServer

UNWRITABLE_NAME = "Khampha"


class StubbornPrimero(PrimeroServer):
    """Answers 500, and does nothing, whenever a body names :data:`UNWRITABLE_NAME`."""

    def _answer(self, request: h11.Request, method: str, path: str, query: str, body: bytes) -> Answer:
        if UNWRITABLE_NAME.encode() in body:
            return Answer(500, {"errors": [{"status": 500, "message": "Internal Server Error"}]})
        return super()._answer(request, method, path, query, body)

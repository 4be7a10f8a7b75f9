"""The bundled scenario files on the routing engine alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.scenario.run import run_text
from tests.support.pure_law import open_pure_driver

FILES = {path.stem: path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.yaml"))}


@pytest.mark.parametrize("name", FILES)
async def test_what_the_file_expects_follows(name: str) -> None:
    """Every expectation of the file holds, in the story and in its variants."""
    result = await run_text(FILES[name], name, open_pure_driver)
    failed = [
        f"{name}:{c.expectation.line} {c.variant} {c.where}: {c.expectation.kind}: {c.verdict.why}"
        for c in result.checked
        if not c.verdict.passed
    ]
    assert failed + result.problems == []

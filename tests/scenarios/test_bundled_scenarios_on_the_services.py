"""The bundled scenario files through the real services: sealed, placed, decided, delivered, opened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from services.scenario.instance_world import instance_world
from services.scenario.run import OpenDriver, run_text

FILES = {path.stem: path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.yaml"))}


@pytest.fixture(scope="module")
def open_driver() -> Iterator[OpenDriver]:
    """A throw-away database server; each run gets an instance of its own."""
    with instance_world() as (opened, _):
        yield opened


@pytest.mark.parametrize("name", FILES)
async def test_what_the_file_expects_follows_on_the_services(name: str, open_driver: OpenDriver) -> None:
    """Every expectation holds; no planted value lies in the database; every receipt re-evaluates."""
    result = await run_text(FILES[name], name, open_driver)
    failed = [
        f"{name}:{c.expectation.line} {c.variant} {c.where}: {c.expectation.kind}: {c.verdict.why}"
        for c in result.checked
        if not c.verdict.passed
    ]
    assert failed + result.problems == []


async def test_the_search_for_planted_values_finds_what_stands_in_clear(open_driver: OpenDriver) -> None:
    """The name of the instance stands in clear in its table, so a search for it must find it."""
    async with open_driver() as driver:
        await driver.start(datetime.fromisoformat("2026-03-02T09:00+07:00"))
        assert await driver.audit(frozenset({"zqcanary-nowhere"})) == []
        (problem,) = await driver.audit(frozenset({"Scenario"}))
    assert problem.endswith("runtime.instance")

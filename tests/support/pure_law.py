"""The routing engine over the sample region, as a driver for scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from routing.law import Law
from routing.state import facts_of
from routing.step import step
from services.scenario.driver import Driver
from services.scenario.engine_driver import EngineDriver
from services.scenario.resolver import DirectoryResolver
from tests.support.region import region_directory


@cache
def sample_law() -> Law:
    """The committed rules over the sample region."""
    return Law.of_sample_region(region_directory())


@asynccontextmanager
async def open_pure_driver() -> AsyncIterator[Driver]:
    """A driver for one run."""
    yield EngineDriver(step, sample_law(), DirectoryResolver(region_directory()), facts_of)

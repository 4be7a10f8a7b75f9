"""Plays a scenario file with its variants and compares what happened with what should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from services.scenario.check import check, check_addresses
from services.scenario.driver import Driver
from services.scenario.model import Expectation, Scenario, Variant
from services.scenario.parse import parse_scenario
from services.scenario.play import play
from services.scenario.results import Checked, Result
from services.scenario.trace import Scope

OpenDriver = Callable[[], AbstractAsyncContextManager[Driver]]
"""Gives a driver for one run and throws it away afterwards."""


async def run_text(text: str, file: str, open_driver: OpenDriver) -> Result:
    """Parse and play one file.

    Raises:
        ScenarioError: the file is not of the format.
    """
    return await run_scenario(parse_scenario(text, file), open_driver)


async def run_scenario(scenario: Scenario, open_driver: OpenDriver) -> Result:
    """Play the story and each variant on a driver of its own, then compare.

    Raises:
        ScenarioError: an address that must name somebody names nobody.
    """
    result = Result(scenario.slug, scenario.title, scenario.file, assumes=scenario.assumes, scenario=scenario)
    async with open_driver() as driver:
        check_addresses(_dated(scenario), driver.agencies, scenario.file)
        result.runs[""] = await play(
            driver,
            file=scenario.file,
            variant="",
            people=scenario.people,
            steps=scenario.steps,
            start=scenario.clock,
        )
    for name, variant in scenario.variants.items():
        async with open_driver() as driver:
            check_addresses(_variant_dated(scenario, variant), driver.agencies, scenario.file)
            result.runs[name] = await play(
                driver,
                file=scenario.file,
                variant=name,
                people=variant.people,
                steps=variant.steps,
                start=scenario.clock,
            )
    _compare(scenario, result)
    return result


def _compare(scenario: Scenario, result: Result) -> None:
    base = result.runs[""]
    for step in scenario.steps:
        scope = Scope(base, base.played(step.id), step.expect)
        result.checked += [Checked(step.id, e, check(e, scope, result.runs)) for e in step.expect]
    whole = Scope(base, None, scenario.finally_)
    result.checked += [Checked("finally", e, check(e, whole, result.runs)) for e in scenario.finally_]
    for name, variant in scenario.variants.items():
        run = result.runs[name]
        for step in variant.steps:
            scope = Scope(run, run.played(step.id), step.expect)
            result.checked += [Checked(step.id, e, check(e, scope, result.runs), name) for e in step.expect]
        whole = Scope(run, None, variant.expect)
        result.checked += [Checked("expect", e, check(e, whole, result.runs), name) for e in variant.expect]
    for name, run in result.runs.items():
        where = f"variant '{name}': " if name else ""
        result.problems += [where + problem for problem in run.problems]


def _dated(scenario: Scenario) -> Iterator[tuple[Expectation, datetime]]:
    for step in scenario.steps:
        yield from ((one, step.at) for one in step.expect)
    end = scenario.steps[-1].at if scenario.steps else scenario.clock
    yield from ((one, end) for one in scenario.finally_)


def _variant_dated(scenario: Scenario, variant: Variant) -> Iterator[tuple[Expectation, datetime]]:
    for step in variant.steps:
        yield from ((one, step.at) for one in step.expect)
    end = variant.steps[-1].at if variant.steps else scenario.clock
    yield from ((one, end) for one in variant.expect)

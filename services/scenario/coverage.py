"""Which rules the stories hold: each effect is taken out in turn, and a story must fail that held before.

Played on the engine alone. That a rule is no longer cited counts for nothing: only what somebody was told, what
waited, was refused, fell due or was erased. So the words ``rules`` in a story are left out of account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from routing.law import Law
from routing.state import facts_of
from routing.step import step
from services.scenario.driver import Driver
from services.scenario.engine_driver import EngineDriver
from services.scenario.model import Expectation, Scenario, Step, Variant
from services.scenario.resolver import DirectoryResolver
from services.scenario.run import OpenDriver, run_scenario

CARRIED_OUT_BY_THE_ENGINE = frozenset({"cite", "confine"})
"""Kinds of effects that say why; there is nothing to take out."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the stories show of one effect. ``key``: rule and number of the effect, ``R14/2``.

    ``spoke_in``: stories in a receipt of which the rule is cited. ``held_by``: those that fail without the effect.
    """

    rule: str
    key: str
    kind: str
    where: str
    spoke_in: tuple[str, ...]
    held_by: tuple[str, ...]

    @property
    def is_engine(self) -> bool:
        """Whether the engine carries it out whatever the rule files say."""
        return self.kind in CARRIED_OUT_BY_THE_ENGINE


async def coverage(
    scenarios: Iterable[Scenario],
    law: Law,
    progress: Callable[[str], None] = lambda key: None,
    *,
    only: Collection[str] | None = None,
) -> list[Coverage]:
    """Take out each effect of each rule that can speak, and play the stories in which its rule spoke.

    Args:
        progress: is told each effect as it is taken out.
        only: the ids of the rules that are asked about; all where it stays out.

    Stories that do not hold to begin with count for nothing.
    """
    spoke = await _spoken(scenarios, law)
    found = []
    for rule in (one for one in law.rules if one.confirmed and (only is None or one.id in only)):
        for number, effect in enumerate(rule.effects):
            key = f"{rule.id}/{number}"
            progress(key)
            stories = spoke.get(rule.id, {})
            held_by = () if effect.kind in CARRIED_OUT_BY_THE_ENGINE else await _failing(stories, law.without(key))
            found.append(Coverage(rule.id, key, effect.kind, effect.where, tuple(sorted(stories)), held_by))
    return found


async def first_story(scenarios: Iterable[Scenario], law: Law) -> dict[str, str | None]:
    """For each rule in force the first story found to fail without it; None where none does. Quicker than coverage."""
    spoke = await _spoken(scenarios, law)
    found: dict[str, str | None] = {}
    for rule in (one for one in law.rules if one.confirmed):
        found[rule.id] = None
        lighter = law.without(rule.id)
        for slug, scenario in spoke.get(rule.id, {}).items():
            if not (await run_scenario(scenario, on_engine(lighter))).passed:
                found[rule.id] = slug
                break
    return found


async def _spoken(scenarios: Iterable[Scenario], law: Law) -> dict[str, dict[str, Scenario]]:
    """Rule → the stories that hold and in a receipt of which it is cited."""
    spoke: dict[str, dict[str, Scenario]] = {}
    for scenario in map(_without_reasons, scenarios):
        result = await run_scenario(scenario, on_engine(law))
        if result.passed:
            cited = {r.id for run in result.runs.values() for d in run.decisions for r in d.decision.rules_fired}
            for rule_id in sorted(cited):
                spoke.setdefault(rule_id, {})[scenario.slug] = scenario
    return spoke


async def _failing(stories: Mapping[str, Scenario], law: Law) -> tuple[str, ...]:
    return tuple([
        slug for slug, scenario in sorted(stories.items()) if not (await run_scenario(scenario, on_engine(law))).passed
    ])


def on_engine(law: Law) -> OpenDriver:
    """A driver of the engine alone under this law, for one run each."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Driver]:
        yield EngineDriver(step, law, DirectoryResolver(law.directory), facts_of)

    return opened


def _without_reasons(scenario: Scenario) -> Scenario:
    return replace(
        scenario,
        steps=_steps(scenario.steps),
        finally_=_kept(scenario.finally_),
        variants={name: _variant(variant) for name, variant in scenario.variants.items()},
    )


def _variant(variant: Variant) -> Variant:
    return replace(variant, steps=_steps(variant.steps), expect=_kept(variant.expect))


def _steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(replace(one, expect=_kept(one.expect)) for one in steps)


def _kept(expectations: tuple[Expectation, ...]) -> tuple[Expectation, ...]:
    return tuple(
        replace(one, keys={key: value for key, value in one.keys.items() if key != "rules"})
        for one in expectations if one.kind != "rules"
    )  # fmt: skip

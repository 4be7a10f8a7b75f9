"""Matching alone: our bitsets beside Zen, Cedar, Rego and CEL, on the same rules and the same facts, in one run.

First every engine answers for every person, and all must answer alike: a difference ends the run without a figure.
Then each is timed, in turns, by CPU time; the best turn counts; once from facts as Python holds them, once from facts
made ready for the engine beforehand (:mod:`benchmarks.engines`). Three tasks: 60 and 1,000 drawn rules over twelve
facts of six values, and the committed rules' own conditions. Last, what the number of rules costs: compile time,
memory, decision; and what it takes to compare two rule sets over a history.

    python -m benchmarks.matching --views 40 --seconds 0.02 --people 100 --events 500   # a look that takes seconds
    python -m benchmarks.matching --events 1000000                                      # the long history in full
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final

from benchmarks.drawn_rules import Task, committed, small
from benchmarks.engines import engines_for
from benchmarks.history_diff import over_history
from benchmarks.machine import Meter, report
from benchmarks.rule_sizes import by_size
from services.assembly import region
from services.runtime import collector

Match = Callable[[Any], Any]
Names = Callable[[Any], frozenset[str]]
OURS: Final = frozenset({"bitsets", "bitsets_with_effects"})
NOT_AN_ENGINE: Final = OURS | {"plain_loop"}
LIBRARIES: Final = ("zen-engine", "cedarpy", "regopy", "common-expression-language")
_CHUNK: Final = 20
_TURNS: Final = 5


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done: persons on whom all must agree, CPU seconds of a turn, people decided, events of a history."""

    views: int = 500
    turn_seconds: float = 0.3
    people: int = 1000
    events: int = 10_000


class Disagreement(Exception):
    """Two engines answer differently: whatever they take, they do not do the same."""


def compared(task: Task, effort: Effort) -> dict[str, Any]:
    """Check that all agree, then time each.

    Raises:
        Disagreement: naming the engine, the person's number and the conditions.
    """
    engines = engines_for(task.conditions, task.rule_set)
    given = {engine.name: [engine.given(view) for view in task.views] for engine in engines}
    ready = {engine.name: [engine.ready(one) for one in given[engine.name]] for engine in engines}
    held = agree([(engine.name, engine.hand_over, engine.names, given[engine.name]) for engine in engines])
    agree([(engine.name, engine.match, engine.names, ready[engine.name]) for engine in engines])
    ways = {
        "facts_handed_over": [(engine.name, engine.hand_over, given[engine.name]) for engine in engines],
        "facts_made_ready": [(engine.name, engine.match, ready[engine.name]) for engine in engines],
    }
    return {
        "conditions": len(task.conditions),
        "all_agree": {"ways": len(engines), "persons": len(task.views), "conditions_that_held": held},
        **{name: _ratios(_best_of_turns(asked, effort.turn_seconds)) for name, asked in ways.items()},
    }


def _best_of_turns(asked: Sequence[tuple[str, Match, list[Any]]], seconds: float) -> dict[str, float]:
    best = {name: float("inf") for name, _, _ in asked}
    for _ in range(_TURNS):
        for name, match, inputs in asked:
            best[name] = min(best[name], _turn(match, inputs, seconds))
    return best


def _ratios(best: dict[str, float]) -> dict[str, Any]:
    others = {name: us for name, us in best.items() if name not in NOT_AN_ENGINE}
    fastest = min(others, key=lambda name: others[name])
    return {
        "match_us": {name: round(us, 2) for name, us in best.items()},
        "fastest_other": fastest,
        "times_the_fastest": round(others[fastest] / best["bitsets"], 1),
        "times_each": {name: round(us / best["bitsets"], 1) for name, us in others.items()},
    }


def agree(asked: Sequence[tuple[str, Match, Names, list[Any]]]) -> int:
    """Hold every engine's answer against the first's; returns how many conditions held, over all persons.

    Raises:
        Disagreement: also where everybody got the same answer: then agreement would mean little.
    """
    (first, match, names, inputs), *others = asked
    said = [names(match(one)) for one in inputs]
    for other, match, names, inputs in others:
        for number, (one, expected) in enumerate(zip(inputs, said, strict=True)):
            differ = names(match(one)) ^ expected
            if differ:
                raise Disagreement(f"{first} and {other}, person {number}: {', '.join(sorted(differ))}")
    if len(set(said)) == 1:
        raise Disagreement("everybody got the same answer; draw others")
    return sum(map(len, said))


def _turn(match: Match, inputs: list[Any], seconds: float) -> float:
    """Microseconds of CPU a match, over as many persons as fit."""
    done, spent, start = 0, 0.0, 0
    while spent < seconds:
        part = inputs[start : start + _CHUNK]
        before = time.process_time()
        for given in part:
            match(given)
        spent += time.process_time() - before
        done += len(part)
        start = (start + _CHUNK) % len(inputs)
    return 1e6 * spent / done


def main(seed: int, effort: Effort | None = None) -> None:
    """Compare, then measure by the number of rules."""
    effort = effort or Effort()
    _, law = region.load(None)
    tasks = {
        "drawn_60_rules": small(seed, effort.views),
        "drawn_1000_rules": small(seed, max(_CHUNK, effort.views // 10), rules=1000),
        "committed_rules": committed(law, seed, effort.views),
    }
    collector.settle()
    figures: dict[str, Any] = {}
    with Meter() as whole:
        for name, task in tasks.items():
            found = figures[name] = compared(task, effort)
            told = found["all_agree"]
            print(f"{name}: {told['ways']} ways agree on {told['persons']} persons and {found['conditions']} "
                  f"conditions; {told['conditions_that_held']} held", flush=True)  # fmt: skip
        figures["by_number_of_rules"] = by_size(law, seed, effort.people)
        figures["history_diff"] = over_history(law, seed, effort.events)
    figures["libraries"] = {name: version(name) for name in LIBRARIES}
    figures |= {"effort": asdict(effort), "steal_percent": round(whole.steal_percent, 1)}
    report("matching", figures, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.matching")
    parser.add_argument("--seed", type=int, default=7)
    for name, default in asdict(Effort()).items():
        parser.add_argument(f"--{name.removeprefix('turn_')}", type=type(default), default=default, dest=name)
    arguments = vars(parser.parse_args())
    main(arguments.pop("seed"), Effort(**arguments))

"""What the number of rules costs: reading, compiling, memory, and a decision with and without its receipt."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from benchmarks.decision import MANY_RULES, timed
from benchmarks.drawn_rules import AT, committed, with_drawn_rules
from benchmarks.histories import referrals
from routing.compiled import RuleSet
from routing.law import Law, sample_rules
from routing.step import step
from services.runtime import collector

_MEGABYTE: Final = 2**20


def by_size(law: Law, seed: int, people: int) -> dict[str, Any]:
    """The committed rules alone, and 5,000 with drawn ones that hold now and then; the same people for both."""
    others = list(referrals(replace(law), seed + 1, people))
    people_now = list(referrals(replace(law), seed, people))
    laws: dict[str, Callable[[], Law]] = {
        "committed": lambda: Law.load(sample_rules(), law.directory),
        "5000_rules": lambda: with_drawn_rules(law, seed, MANY_RULES),
    }
    found = {}
    for name, load in laws.items():
        loaded, figures = _loaded(load)
        collector.settle()
        for moment in others:
            step(moment.state, moment.record, loaded, moment.kin)
        found[name] = {**figures, "match_bits_us": _match(loaded, seed, people), **timed(loaded, people_now)}
    return found


def _match(law: Law, seed: int, people: int) -> float:
    """Microseconds of CPU to match a drawn person nobody has seen, all facts at hand."""
    task = committed(law, seed, people)
    before = time.process_time()
    for view in task.views:
        task.rule_set.bits(view)
    return round(1e6 * (time.process_time() - before) / people, 2)


def _loaded(load: Callable[[], Law]) -> tuple[Law, dict[str, Any]]:
    before = time.process_time()
    law = load()
    read = time.process_time() - before
    rules = law.in_force(AT).rules
    before = time.process_time()
    RuleSet(rules)
    compiled = time.process_time() - before
    tracemalloc.start()
    kept = RuleSet(rules)
    megabytes = tracemalloc.get_traced_memory()[0] / _MEGABYTE
    tracemalloc.stop()
    return law, {
        "rules": len(law.rules),
        "rules_in_force": len(kept.rules),
        "load_seconds": round(read, 3),  # reading, checking, and compiling for each day on which rules change
        "compile_ms": round(1e3 * compiled, 2),
        "compiled_megabytes": round(megabytes, 3),
    }

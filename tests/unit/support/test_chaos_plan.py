"""Which faults a run suffers is decided by its seed, and none is forgotten."""

from __future__ import annotations

from benchmarks.members import costs
from tests.support.kafka_chaos_plan import KINDS, plan


def test_every_kind_comes_before_any_comes_again() -> None:
    """As many faults as there are kinds hold each kind once, whatever the seed; the next round holds them again."""
    for seed in range(20):
        faults = [fault.kind for fault in plan(seed, 2 * len(KINDS))]
        assert sorted(faults[: len(KINDS)]) == sorted(faults[len(KINDS) :]) == sorted(KINDS)


def test_only_the_kinds_that_were_chosen_come() -> None:
    """A run may be given to some kinds alone, and the same seed gives the same faults."""
    assert {fault.kind for fault in plan(7, 5, ("stop-in-step", "relay-stumbles"))} == {
        "stop-in-step",
        "relay-stumbles",
    }
    assert plan(7, 5) == plan(7, 5) != plan(8, 5)


def test_a_cost_is_counted_once_a_stack_and_what_is_always_there_is_left_out() -> None:
    """A function that calls itself counts once; one that is in every stack tells nothing."""
    stacks = (
        "main (services/cli/main.py:1);step (services/router/step.py:5);step (services/router/step.py:9) 3\n"
        "main (services/cli/main.py:1);select (selectors.py:7) 1\n"
    )
    assert costs(stacks) == {"step (services/router/step.py)": 75.0}

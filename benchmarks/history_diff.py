"""What it costs to compare two rule sets over a history: each record folded and decided under both."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import cycle, islice
from typing import Any, Final

from benchmarks.histories import told
from routing.analysis.comparing import Comparison
from routing.law import Law
from routing.state import recorded

A_MILLION: Final = 1_000_000
STRUCK: Final = "R07"
"""The rule that the new law lacks; one that many of these people meet, so that there is something to find."""
_PEOPLE_AT_MOST: Final = 4000


def over_history(law: Law, seed: int, events: int) -> dict[str, Any]:
    """Compare the committed rules with themselves less one rule. Beyond some 20,000 events the same people come again.

    The seconds for a million are this rate's, unless a million were taken: they grow with the number of events.
    """
    people = min(_PEOPLE_AT_MOST, events)
    pool = list(
        islice(((recorded(m.record), m.state, m.kin) for m, _ in told(replace(law), seed, people)), events)
    )
    comparison = Comparison(replace(law), law.without(STRUCK))
    before = time.process_time()
    for number, (record, state, kin) in enumerate(islice(cycle(pool), events)):
        if number % len(pool) == 0:
            comparison.begin_anew()
        comparison.take(record, state, kin)
    spent = time.process_time() - before
    return {
        "events": events,
        "distinct_events": len(pool),
        "without_rule": STRUCK,
        "changes_found": len(comparison.found),
        "event_us": round(1e6 * spent / events, 1),
        "seconds_for_a_million": round(spent / events * A_MILLION),
    }

"""How many decisions with receipt one core makes: ``routing.step`` and the receipt's bytes, no I/O. By CPU time.

People differ (:mod:`benchmarks.histories`), and the law has seen others before, as a router that has run for a while.
Two loads: the second record of a person, of which some three agencies are told, also where the rules are 5,000, most
of them never true; and whole histories, with timers, answers and narrowings.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.histories import Moment, referrals, told
from benchmarks.machine import report
from routing.law import Law, sample_rules
from routing.receipt import receipt_of
from routing.step import step
from services.assembly import region
from services.runtime import collector

MANY_RULES = 5000


def timed(law: Law, taken: Sequence[Moment]) -> dict[str, float]:
    """Microseconds of CPU a step, and what became of it."""
    before = time.process_time()
    steps = [step(one.state, one.record, law, one.kin) for one in taken]
    decided = time.process_time()
    for one, done in zip(taken, steps, strict=True):
        receipt_of(one.state, one.record, done, one.kin)
    ended = time.process_time()
    count = len(taken)
    return {
        "count": count,
        "distinct_facts": len({_facts(one) for one in taken}),
        "recipients": round(sum(len(done.decision.dispatches) for done in steps) / count, 2),
        "decide_us": round(1e6 * (decided - before) / count, 1),
        "receipt_us": round(1e6 * (ended - decided) / count, 1),
        "decisions_with_receipt_per_second": round(count / (ended - before)),
    }


def _facts(moment: Moment) -> str:
    return f"{moment.record.event} {moment.record.facts.model_dump_json(exclude_none=True)}"


def with_many_rules(law: Law) -> Law:
    """The same law with rules of other places added, up to 5,000 in all."""
    places = ("BN", "ID", "PH", "SG", "TL")
    added = "".join(
        f"- id: X{n}\n  title: A rule of another place\n  cite: none\n  mark: A\n"
        f"  when: {{found_in: {places[n % len(places)]}, stage: origin}}\n"
        f"  then:\n  - withhold: {{groups: [F{1 + n % 12}], to: ['LEA@{places[n % len(places)]}']}}\n"
        for n in range(MANY_RULES - len(law.rules))
    )
    head = "defaults: {valid_from: 2020-01-01, recorded_at: 2020-01-01, review_on: 2027-05-01}\nrules:\n"
    return Law.load({**sample_rules(), "90-elsewhere.yaml": head + added}, law.directory)


def main(seed: int, people: int = 2000) -> None:
    """Warm up on some people, time others. Whoever draws the people works with a law of its own."""
    _, law = region.load(None)
    others = list(referrals(replace(law), seed + 1, people))
    people_now = list(referrals(replace(law), seed, people))
    histories = [moment for moment, _ in told(replace(law), seed, people // 6)]
    figures: dict[str, Any] = {"rules": len(law.rules)}
    laws = {"referral": law, "referral_at_5000_rules": with_many_rules(law)}
    collector.settle()
    for name, one in laws.items():
        for moment in others:
            step(moment.state, moment.record, one, moment.kin)
        figures[name] = timed(one, people_now)
    figures["histories"] = timed(law, histories)
    report("decision", figures, seed)


if __name__ == "__main__":
    main(7)

"""A digest of every byte that the engine gives for thousands of drawn steps: equal before and after a change, or not.

    python -m benchmarks.same --people 2000 --seed 7

Run it in two checkouts: a change that only makes the engine faster prints the same digest.
"""

from __future__ import annotations

import argparse
import hashlib

import msgspec

from benchmarks.histories import referrals, told
from routing.law import Law
from routing.receipt import receipt_of
from routing.step import step
from services.assembly import region


def digest(law: Law, seed: int, people: int) -> tuple[str, int]:
    """SHA-256 over states, decisions, timers and receipts, in order; and how many steps that were."""
    made, count = hashlib.sha256(), 0
    encode = msgspec.msgpack.encode
    for moment, done in told(law, seed, people):
        made.update(encode((done, receipt_of(moment.state, moment.record, done, moment.kin))))
        count += 1
    for moment in referrals(law, seed, people):
        done = step(moment.state, moment.record, law, moment.kin)
        made.update(encode((done, receipt_of(moment.state, moment.record, done, moment.kin))))
        count += 1
    return made.hexdigest(), count


def main() -> None:
    """Print the digest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.same", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--people", type=int, default=1000)
    arguments = parser.parse_args()
    _, law = region.load(None)
    made, count = digest(law, arguments.seed, arguments.people)
    print(f"{made}  {count} steps")


if __name__ == "__main__":
    main()

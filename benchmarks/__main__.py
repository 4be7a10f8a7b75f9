"""``make bench``: every benchmark in turn; each ends with one line of JSON, kept in ``benchmarks/results``."""

from __future__ import annotations

import argparse

from benchmarks import decision, kafka, pipeline, steps


def _matching(seed: int) -> None:
    from benchmarks import matching  # needs the engines, which make bench installs

    matching.main(seed)


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--referrals", type=int, default=600, help="how many each way carries")
    names = ["decision", "matching", "steps", "pipeline", "kafka"]
    parser.add_argument("--only", choices=names, help="one of them alone")
    arguments = parser.parse_args()
    ways = {
        "decision": lambda: decision.main(arguments.seed),
        "matching": lambda: _matching(arguments.seed),
        "steps": lambda: steps.main(arguments.seed, arguments.referrals),
        "pipeline": lambda: pipeline.main(arguments.seed, arguments.referrals),
        "kafka": lambda: kafka.main(arguments.seed, arguments.referrals),
    }
    for name, run in ways.items():
        if arguments.only in (None, name):
            run()


if __name__ == "__main__":
    main()

"""``make bench``: every benchmark in turn; each ends with one line of JSON, kept in ``benchmarks/results``."""

from __future__ import annotations

import argparse

from benchmarks import decision, kafka, pipeline, steps


def main() -> None:
    """Run them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--referrals", type=int, default=600, help="how many each way carries")
    arguments = parser.parse_args()
    decision.main(arguments.seed)
    steps.main(arguments.seed, arguments.referrals)
    pipeline.main(arguments.seed, arguments.referrals)
    kafka.main(arguments.seed, arguments.referrals)


if __name__ == "__main__":
    main()

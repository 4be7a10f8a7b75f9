"""One service of a run on Kafka: ``sampan run SERVICE`` as it is, with leases and pauses of seconds.

``python -m tests.support.kafka_chaos_victim SERVICE``; settings come from the environment as an operator's would.
``SAMPAN_CHAOS_BREAK`` names a promise that this process breaks on purpose, to see the run fail.
"""

from __future__ import annotations

import os
import random
import sys
import threading
from typing import Any, Final, get_args

import typer

from contracts.errors import SampanError
from services.assembly.member import Member, run_member
from services.assembly.settings import ServerSettings
from services.runtime.consumer import ConsumerLoop
from services.runtime.lease import PostgresLeases
from services.runtime.store.postgres import PostgresStore
from tests.support.kafka_chaos_breaks import BREAKS
from tests.support.kafka_chaos_plan import LEASE_SECONDS
from tests.support.kafka_chaos_seams import build_in
from tests.support.victim import hurry

BREAK: Final = "SAMPAN_CHAOS_BREAK"
_JITTER_DIVIDED_BY: Final = 20


class _Hurried(random.SystemRandom):
    """Jitter of tenths of a second where service has seconds."""

    def uniform(self, low: float, high: float) -> float:
        return super().uniform(low, high) / _JITTER_DIVIDED_BY


def _shorten_leases() -> None:
    """Nothing else differs from service; a parameter's default is what every room there relies on."""
    connect: Any = PostgresStore.connect
    for function, name in (
        (PostgresLeases.__init__, "lease_seconds"),
        (ConsumerLoop.__init__, "lease_seconds"),
        (connect.__func__, "idle_seconds"),
    ):
        defaults: Any = function.__kwdefaults__
        assert name in defaults
        defaults[name] = LEASE_SECONDS


def _end_with_the_test() -> None:
    """The other end of our input is the test: when it is gone, so are we."""
    while os.read(0, 1):  # not sys.stdin: its lock would be held while the interpreter ends
        pass
    os._exit(1)


def main(member: Member) -> None:
    """Run ``member`` until it is stopped, killed, or its test has ended."""
    threading.Thread(target=_end_with_the_test, daemon=True).start()
    hurry()
    _shorten_leases()
    vars(random)["SystemRandom"] = _Hurried
    build_in()
    if os.environ.get(BREAK):
        BREAKS[os.environ[BREAK]]()
    try:
        run_member(ServerSettings(), member, typer.echo)
    except SampanError as error:
        typer.echo(f"{member}: {error.sentence()}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    services: dict[str, Any] = {"relay": "relay", **{name: name for name in get_args(get_args(Member)[0])}}
    main(services[sys.argv[1]])

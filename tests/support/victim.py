"""A server process that is made to be killed: the real assembly, and seams at which it kills itself.

``python -m tests.support.victim CONFIG.json``; the configuration names a seam and on which pass through it the
process sends itself SIGKILL, so that a run can be repeated. Without a seam it lives until it is stopped.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import uvicorn

from adapters.channels.ed25519 import secret_of, signer
from adapters.channels.http import BasicAuth, HttpChannel
from adapters.primero.codes import DEFAULT_CP, Lookups
from deploy.region import region_texts
from routing.directory import Directory
from routing.law import Law
from services.assembly.app import make_app
from services.assembly.identity import instance_id
from services.assembly.instance import Edges, build
from services.delivery import lanes, retry, worker
from services.edge import perform as edge_perform
from services.edge.perform import Ready
from services.edge.targets import PrimeroTarget, WebhookTarget
from services.runtime.clock import SystemClock
from services.runtime.store.port import Advance
from services.runtime.store.postgres import PostgresStore, PostgresUnitOfWork
from services.runtime.wake import Wake
from services.vault.keyring import Keyring

SEAMS = ("start", "begin", "before-commit", "after-commit", "claimed", "before-call", "after-call")
WEBHOOK_AGENCY = "shelter-th"
PRIMERO_AGENCY = "rfp-kh"
CLAIM_SECONDS = 5
CALL_SECONDS_MAX = 3.0
"""A claim without an outcome is taken up again after this long, and calls end well before, as in service."""
ATTEMPTS_MAX = 6
"""A lane parks after this many, a few tenths of a second apart."""


class Seam:
    """Kills this process on its ``passes``-th pass through the seam ``name``."""

    def __init__(self, name: str | None, passes: int) -> None:
        self._name, self._left = name, passes

    def __call__(self, name: str) -> None:
        """Pass through; may not return."""
        if name == self._name:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)


class SeamStore(PostgresStore):
    """The store, with a seam at each end of every unit of work."""

    seam: Seam

    @asynccontextmanager
    async def unit_of_work(self, advances: Sequence[Advance] = ()) -> AsyncIterator[PostgresUnitOfWork]:
        self.seam("begin")
        async with super().unit_of_work(advances) as work:
            yield work
            self.seam("before-commit")
        self.seam("after-commit")


@cache
def directory() -> Directory:
    """The sample region, with a shelter that wants a webhook."""
    return Directory.load(shelter_with_webhook(region_texts()))


def shelter_with_webhook(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of the sample region, with a webhook first among one shelter's channels."""
    before, marker, rest = texts["th.yaml"].partition(f"  {WEBHOOK_AGENCY}:\n")
    entry, colon, after = rest.partition("channels: [")
    assert marker
    assert colon
    return {**texts, "th.yaml": f"{before}{marker}{entry}channels: [webhook, {after}"}


def _add_seams(instance: Any, seam: Seam) -> None:
    claim = instance.worker._claim

    async def claimed(limit: int) -> Any:
        attempts = await claim(limit)
        if attempts:
            seam("claimed")
        return attempts

    perform = edge_perform.perform

    async def called(ready: Ready) -> Any:
        seam("before-call")
        verdict = await perform(ready)
        seam("after-call")
        return verdict

    instance.worker._claim = claimed
    vars(worker)["perform"] = called


def hurry() -> None:
    """Pauses of seconds where service has minutes and hours; their order stays what it is."""
    lanes.CLAIM_SECONDS = CLAIM_SECONDS  # type: ignore[misc]
    vars(worker)["CALL_SECONDS_MAX"] = CALL_SECONDS_MAX
    retry.ATTEMPTS_MAX.update(dict.fromkeys(retry.ATTEMPTS_MAX, ATTEMPTS_MAX))


async def main(config: dict[str, Any]) -> None:
    """Serve until killed or stopped."""
    seam = Seam(config.get("seam"), int(config.get("passes", 1)))
    hurry()
    store = await SeamStore.connect(config["dsn"], SystemClock(), Wake())
    store.seam = seam
    where, seed = directory(), bytes(range(32))
    law = Law.of_sample_region(where)
    primero = HttpChannel(config["primero"], BasicAuth("sampan", "demo-sampan"), allow_insecure_loopback=True)
    webhook = HttpChannel(config["webhook"], allow_insecure_loopback=True)
    lookups = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"})
    seam("start")
    edges = Edges(
        store=store, keyring=Keyring.load(Path(config["keyring"])), directory=where, law=lambda: law,
        clock=SystemClock(), random=secrets.token_bytes, uniform=lambda low, high: random.uniform(low, high) / 20,
        targets={
            (PRIMERO_AGENCY, "primero"): PrimeroTarget(primero, lookups),
            (WEBHOOK_AGENCY, "webhook"): WebhookTarget(webhook, "/hook", (signer(secret_of(seed)),)),
        },
        instance_id=await instance_id(store, "victim", secrets.token_bytes, demo=True), name="victim",
        demo=True, owner="victim",
    )  # fmt: skip
    instance = build(edges)
    _add_seams(instance, seam)
    options = uvicorn.Config(
        make_app(instance), host="127.0.0.1", port=config["port"], log_config=None, access_log=False
    )
    await uvicorn.Server(options).serve()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))

"""An instance over a durable PostgreSQL of its own, an NGO's key, and referrals prepared beforehand.

One referral: sealed in six parts, verified, decided with receipt, three recipients, each with it in the inbox.
The person's consent is a record of its own, submitted before the clock starts.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.ids import new_id
from contracts.open_event import OpenEvent
from contracts.sealing import SigningKey
from services.assembly import region
from services.assembly.identity import instance_id
from services.assembly.instance import Edges, Instance, build
from services.edge.prepare import SenderKeys, prepare
from services.runtime import collector, registry
from services.runtime.clock import SystemClock
from services.runtime.postgres import EmbeddedPostgres, migrate
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.keyring import Keyring

NGO = "ngo-th"
RECIPIENTS = ("ida-th", "shelter-th", "lawyers-th")
_GROUPS: dict[str, Any] = {
    "F1": {"given_name": "Noy", "family_name": "Invented", "sex": "Feminine", "languages": ["lo"]},
    "F2": {"current_place": "A house by an invented river", "city": "Nong Khai"},
    "F5": {"exploitation": ["SexualExploitation"], "account": "An invented account. " * 8},
    "F11": {"level": "medium", "assessment": "An invented assessment."},
    "F12": {"services_wanted": ["shelter", "interpreter"]},
}
_FACTS = {"found_in": "TH", "stage": "destination", "trafficking_status": "PossibleVictimOfTrafficking",
          "exploitation": ["SexualExploitation"]}  # fmt: skip
_CONSENT = {"purposes": ["IDENTIFY", "SHELTER", "LEGAL"], "to": ["any@TH"], "until": "90d", "from": "self",
            "groups": ["F0", "F1", "F2", "F5", "F11", "F12"]}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bench:
    """What a benchmark works on."""

    instance: Instance
    ngo: UUID
    token: str
    postgres_pid: int
    make: Callable[[int], tuple[list[bytes], list[bytes]]]  # count → (consents, referrals), sealed
    dsn: str
    folder: Path  # with the keyring


@contextmanager
def database() -> Iterator[EmbeddedPostgres]:
    """PostgreSQL with real fsync in a folder that is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sampan-bench-"))
    os.chmod(folder, 0o711)  # noqa: S103 (the database's own user walks through)
    try:
        with EmbeddedPostgres(folder / "postgres") as server:
            server.create_database("sampan")
            migrate(server.owner_dsn())
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def bench(seed: int) -> AsyncIterator[Bench]:
    """An instance of the sample region, not yet running its services."""
    with database() as server:
        clock = SystemClock()
        store = await PostgresStore.connect(server.dsn(), clock, Wake())
        directory, law = region.load(None)
        keyring = Keyring.create(server.data_dir.parent / "keyring.json", secrets.token_bytes)
        edges = Edges(
            store=store, keyring=keyring, directory=directory, law=lambda: law, clock=clock,
            random=secrets.token_bytes, uniform=random.Random(seed).uniform, targets={},
            instance_id=await instance_id(store, "bench", secrets.token_bytes, demo=True), name="bench",
            demo=True, owner="bench",
        )  # fmt: skip
        instance = build(edges)
        agency = directory.by_slug(NGO).agency_id
        keys = SenderKeys(agency, random.Random(seed).randbytes(32), "bench")
        async with store.unit_of_work() as work:
            public = SigningKey(keys.seed).public_key
            await registry.add_signing_key(work.connection, agency, "bench", public, clock.now())
            token = await registry.issue_token(
                work.connection, agency, secrets.token_bytes, clock.now(), lasts=timedelta(days=1)
            )
        assert server.pid is not None
        collector.settle()
        yield Bench(
            instance, agency, token, server.pid, lambda count: _referrals(instance, keys, count), server.dsn(),
            server.data_dir.parent,
        )  # fmt: skip
        await store.close()


def _referrals(instance: Instance, keys: SenderKeys, count: int) -> tuple[list[bytes], list[bytes]]:
    consents, referrals = [], []
    for _ in range(count):
        case, subject = _id(instance), _id(instance)
        consents.append(_sealed(instance, keys, case, "ConsentGiven", {"subject": subject}, consent=_CONSENT))
        person = {"subject": subject, "facts": _FACTS, "groups": _GROUPS}
        referrals.append(_sealed(instance, keys, case, "IdentificationRequested", person))
    return consents, referrals


def _id(instance: Instance) -> UUID:
    return new_id(instance.edges.random, instance.edges.clock.now())


def _sealed(instance: Instance, keys: SenderKeys, case: UUID, event: str, person: Any, **more: Any) -> bytes:
    now = instance.edges.clock.now()
    document = {
        "event": event, "event_id": _id(instance), "submission_id": _id(instance), "occurred_at": now,
        "sender": NGO, "acting_as": "NGO-H@TH", "case": str(case), "subjects": [person], **more,
    }  # fmt: skip
    return prepare(
        OpenEvent.model_validate(document), keys, instance.info, secrets.token_bytes, now
    ).submission

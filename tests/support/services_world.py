"""All services over a fresh database, with the sample region's law, a clock that stands and seeded randomness."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from contracts.api import SubmitReceipt
from contracts.codec import encode, fingerprint
from contracts.control import ControlPayload
from contracts.errors import SampanError
from contracts.ids import Random, new_id
from contracts.open_event import Answer, OpenEvent
from contracts.sealing import CONTROL, Header, PlainSlot, SigningKey, seal_submission
from routing.directory import Directory
from routing.law import Law
from services.assembly import region
from services.assembly.identity import instance_id
from services.assembly.instance import Edges, Instance, build
from services.edge.prepare import Prepared, SenderKeys, prepare
from services.edge.targets import Targets
from services.intake.candidate import Handed
from services.runtime import registry
from services.runtime.clock import ManualClock
from services.runtime.registry import Caller
from services.runtime.store.postgres import PostgresStore
from services.runtime.wake import Wake
from services.vault.keyring import Keyring
from services.vault.port import VaultDoor
from tests.support.postgres import FreshDatabase

START: Final = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
NAME: Final = "Zanzibardo"
PHONE: Final = "+66888777666"
PLACE: Final = "Quxley Lane"
CANARIES: Final = (NAME, PHONE, PLACE)
"""Identity values that every referral of these tests carries, and nothing else of ours does."""

PERSON: Final[Mapping[str, Any]] = {
    "facts": {
        "citizenship": ["KH"],
        "found_in": "TH",
        "trafficking_status": "PossibleVictimOfTrafficking",
        "exploitation": ["ForcedLabour"],
        "age": 24,
    },
    "groups": {
        "F1": {"given_name": NAME, "sex": "Feminine"},
        "F2": {"current_place": PLACE, "mobile_phone": PHONE},
    },
}
CONSENT: Final[Mapping[str, Any]] = {
    "purposes": ["IDENTIFY", "SHELTER"],
    "to": ["RFP@KH", "SHA@TH", "IDA@TH", "RFP@TH"],
    "groups": ["F1", "F2", "F3"],
    "until": "2027-03-01",
    "from": "self",
}


@cache
def sample_region() -> tuple[Directory, Law]:
    """The committed sample region, read once a session."""
    return region.load(None)


@dataclass
class ServicesWorld:
    """One instance and the agencies that write to it."""

    instance: Instance
    store: PostgresStore
    clock: ManualClock
    random: Random
    keyring: Keyring
    _build: Callable[[str], Instance] = field(repr=False)
    _keys: dict[str, SenderKeys] = field(default_factory=dict, repr=False)
    _names: Any = field(default_factory=lambda: count(2), repr=False)

    @property
    def directory(self) -> Directory:
        return self.instance.edges.directory

    def agency(self, slug: str) -> UUID:
        return self.directory.by_slug(slug).agency_id

    def caller(self, slug: str, *scopes: str) -> Caller:
        return Caller(self.agency(slug), frozenset(scopes or (registry.AGENCY_SCOPE,)))

    def another_instance(self) -> Instance:
        """A second process's services over the same database."""
        return self._build(f"other-{next(self._names)}")

    def id(self) -> UUID:
        return new_id(self.random, self.clock.now())

    async def keys(self, slug: str) -> SenderKeys:
        """The agency's signing key, enrolled at its first use."""
        if slug not in self._keys:
            keys = SenderKeys(self.agency(slug), self.random(32), f"{slug}-1")
            self._keys[slug] = keys
            async with self.store.unit_of_work() as work:
                public = SigningKey(keys.seed).public_key
                await registry.add_signing_key(
                    work.connection, keys.agency_id, keys.key_id, public, self.clock.now()
                )
        return self._keys[slug]

    def event(self, sender: str = "ngo-th", **said: Any) -> OpenEvent:
        """An open event; what is not said is a first report of one person with consent-free facts."""
        document: dict[str, Any] = {
            "event": "IdentificationRequested",
            "event_id": self.id(),
            "submission_id": self.id(),
            "occurred_at": self.clock.now(),
            "sender": sender,
        }
        if "case" not in said and "subjects" not in said:
            document["subjects"] = [PERSON]
        return OpenEvent.model_validate(document | said)

    async def prepared(self, sender: str = "ngo-th", **said: Any) -> Prepared:
        """An event sealed at the sender's own edge."""
        return self.seal(self.event(sender, **said), await self.keys(sender))

    def seal(self, event: OpenEvent, keys: SenderKeys) -> Prepared:
        return prepare(event, keys, self.instance.info, self.random, self.clock.now())

    async def crafted(
        self, control: ControlPayload, parts: Sequence[PlainSlot] = (), sender: str = "ngo-th", **header: Any
    ) -> bytes:
        """A submission as a client that is not ours might seal it."""
        keys = await self.keys(sender)
        values: dict[str, Any] = {
            "instance": self.instance.info.instance_id, "event_id": self.id(), "submission_id": self.id(),
            "sender": keys.agency_id, "case_ref": "", "occurred_at": self.clock.now(),
            "signing_key_id": keys.key_id,
        }  # fmt: skip
        slot = PlainSlot(CONTROL, None, fingerprint(ControlPayload), encode(control))
        vault_key = self.keyring.public
        return seal_submission(
            Header(**(values | header)), [slot, *parts], keys.signing_key, vault_key, self.random
        )

    async def submit(self, sender: str = "ngo-th", **said: Any) -> SubmitReceipt:
        """Seal an event and hand it in."""
        prepared = await self.prepared(sender, **said)
        return await self.instance.submit(prepared.submission, self.agency(sender))

    async def refused(self, raw: bytes, sender: str = "ngo-th") -> SampanError:
        """Hand bytes in and return how they were refused."""
        (result,) = await self.instance.intake.submit_many([Handed(raw, self.agency(sender))])
        assert isinstance(result, SampanError), result
        return result

    async def refer(self, **said: Any) -> SubmitReceipt:
        """Carry one referral with consent to its recipients."""
        receipt = await self.submit(**({"consent": CONSENT, "to": ["SHA@TH"]} | said))
        await self.instance.settle()
        return receipt

    async def answer(
        self, sender: str, event: str, dispatch: UUID, case: UUID, subject: UUID
    ) -> SubmitReceipt:
        """Answer a dispatch by its alias."""
        receipt = await self.submit(
            sender,
            event=event,
            case=str(case),
            subjects=[{"subject": subject}],
            answer=Answer(dispatch=dispatch),
        )
        await self.instance.settle()
        return receipt

    async def tables(self, *schemas: str) -> dict[str, list[str]]:
        """Every row of these schemas' tables (rejections left out) and of the log, as text: to see nothing changed."""
        found: dict[str, list[str]] = {}
        async with self.store.pool.acquire() as connection:
            names = await connection.fetch(
                "select table_schema || '.' || table_name as name from information_schema.tables"
                " where table_schema = any($1::text[]) and table_type = 'BASE TABLE' order by 1",
                list(schemas or ("intake", "vault", "router", "delivery", "log")),
            )
            for row in names:
                name = row["name"]
                if name != "intake.rejections":
                    rows = await connection.fetch(f"select t::text as line from {name} t order by 1")
                    found[name] = [r["line"] for r in rows]
        return found

    async def rejections(self) -> list[tuple[str, str | None]]:
        """(code, field) of what was refused, in order."""
        rows = await self.store.pool.fetch("select code, field from intake.rejections order by id")
        return [(row["code"], row["field"]) for row in rows]


@asynccontextmanager
async def open_world(
    database: FreshDatabase,
    folder: Path,
    *,
    targets: Targets | None = None,
    seed: int = 7,
    directory: Directory | None = None,
    vault: Callable[[Keyring], VaultDoor] | None = None,
) -> AsyncIterator[ServicesWorld]:
    """A world for the length of a block.

    Args:
        vault: the form of the vault; None: in the store's own transactions.
    """
    clock = ManualClock(START)
    seeded = random.Random(seed)
    store = await PostgresStore.connect(database.dsn, clock, Wake())
    try:
        sample, law = sample_region()
        keyring = Keyring.create(folder / "keyring.json", seeded.randbytes)
        door = vault(keyring) if vault is not None else None
        known = await instance_id(store, "test", seeded.randbytes, demo=True)

        def assemble(owner: str) -> Instance:
            return build(
                Edges(
                    store=store,
                    keyring=keyring,
                    vault=door,
                    directory=directory or sample,
                    law=lambda: law,
                    clock=clock,
                    random=seeded.randbytes,
                    uniform=lambda low, high: high,
                    targets=targets or {},
                    instance_id=known,
                    name="test",
                    demo=True,
                    owner=owner,
                )
            )

        yield ServicesWorld(assemble("process-1"), store, clock, seeded.randbytes, keyring, assemble)
    finally:
        await store.close()

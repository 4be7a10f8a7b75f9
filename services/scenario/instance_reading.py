"""Reads what the services of a run decided, showed and stored, with the vault's keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
from pydantic import BaseModel

from contracts.api import InboxItem
from contracts.roles import Group
from routing.receipt import encode_decision
from routing.state import facts_of
from routing.step import step
from services.assembly.instance import Instance
from services.router.effects import RECEIPT, Receipt
from services.router.members import STATE
from services.scenario.driver import Decided, View
from services.vault.bundles import unwrap_bundle
from services.vault.key_holder import KeyHolder
from services.vault.store import all_bundles

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Told:
    """A dispatch as its recipient may name it."""

    alias: UUID
    case_id: UUID
    subject_id: UUID
    dispatch_id: UUID


class InstanceReading:
    """Knows the persons and cases of a run by their labels; keeps decisions in the order of the log."""

    def __init__(self, instance: Instance, owner_dsn: str) -> None:
        self._instance, self._owner_dsn = instance, owner_dsn
        self._people: dict[str, UUID] = {}
        self._cases: dict[str, UUID] = {}
        self._mothers_case: dict[str, UUID] = {}
        self._seen: set[tuple[UUID, UUID]] = set()
        self.owners: dict[str, str] = {}
        self.decisions: list[Decided] = []
        self._problems: list[str] = []

    def person(self, label: str) -> UUID:
        """The id under which the scenario speaks of a person; minted at the first word of her."""
        return self._people.setdefault(label, uuid4())

    def case(self, label: str) -> UUID:
        """The same for a case."""
        return self._cases.setdefault(label, uuid4())

    def case_of_mother(self, mother: str, own: str) -> UUID:
        """A case in which the mother is known, through whom a child's events are placed."""
        known = self._mothers_case.get(mother)
        return known if known is not None else self.case(own)

    async def catch_up(self) -> None:
        """Take in decisions and owners that are new."""
        async with self._instance.edges.store.pool.acquire() as connection:
            await self._take_decisions(connection)
            await self._take_owners(connection)

    async def _take_decisions(self, connection: Any) -> None:
        rows = await connection.fetch(
            "select event_id, subject_id, decided_at, log_position, sealed from router.receipts"
            " order by decided_at, log_position"
        )
        new = [row for row in rows if (row["event_id"], row["subject_id"]) not in self._seen]
        keys = await self._instance.vault.facts_keys(connection, {row["subject_id"] for row in new})
        labels = {subject: label for label, subject in self._people.items()}
        order = {subject: number for number, subject in enumerate(labels)}
        new.sort(key=lambda r: (r["decided_at"], r["log_position"], order.get(r["subject_id"], -1)))
        for row in new:
            self._seen.add((row["event_id"], row["subject_id"]))
            if row["subject_id"] not in keys:
                continue  # erased: nothing of it can be read, by design
            receipt = self._receipt(keys[row["subject_id"]], row)
            self._decide_again(receipt)
            self.decisions.append(Decided(labels.get(row["subject_id"]), receipt.decision))

    def _receipt(self, key: Any, row: Any) -> Receipt:
        context = RECEIPT + row["event_id"].bytes + row["subject_id"].bytes
        plain = self._instance.vault.open_facts(key, row["sealed"], context)
        return msgspec.msgpack.decode(plain, type=Receipt, dec_hook=_structured)

    def _decide_again(self, receipt: Receipt) -> None:
        """A receipt that does not lead to the same bytes again proves nothing."""
        law = self._instance.edges.law()
        again = step(receipt.state_before, receipt.record, law, receipt.kin_before).decision
        if encode_decision(again) != encode_decision(receipt.decision):
            self._problems.append(
                f"the receipt of {receipt.decision.event} does not re-evaluate to the same bytes"
            )

    async def _take_owners(self, connection: Any) -> None:
        rows = await connection.fetch(
            "select s.subject_id, s.parent_id, s.case_id, c.owner from intake.subjects s join intake.cases c"
            " using (case_id)"
        )
        labels = {subject: label for label, subject in self._people.items()}
        for row in rows:
            label = labels.get(row["subject_id"])
            if label is not None:
                self.owners[label] = self._instance.edges.directory.by_id(row["owner"]).slug
                self._mothers_case[label] = row["case_id"]

    async def told(self, event_ids: Sequence[UUID], recipient: UUID) -> list[Told]:
        """What these events told an agency: the newest of each person."""
        async with self._instance.edges.store.pool.acquire() as connection:
            rows = await connection.fetch(
                "select distinct on (subject_id) alias, case_id, subject_id, dispatch_id from delivery.dispatches"
                " where event_id = any($1::uuid[]) and recipient = $2"
                " order by subject_id, received_at desc, dispatch_id",
                *(list(event_ids), recipient),
            )
        return [Told(*row) for row in rows]

    async def sent(self, event_ids: Sequence[UUID], sender: UUID) -> list[Told]:
        """One dispatch of each person by which an agency's own events told anybody: to take them back by."""
        async with self._instance.edges.store.pool.acquire() as connection:
            rows = await connection.fetch(
                "select distinct on (d.subject_id) d.alias, d.case_id, d.subject_id, d.dispatch_id"
                " from delivery.dispatches d join intake.submissions s using (event_id)"
                " where d.event_id = any($1::uuid[]) and s.sender = $2"
                " order by d.subject_id, d.received_at, d.dispatch_id",
                *(list(event_ids), sender),
            )
        return [Told(*row) for row in rows]

    async def open_reviews(self, event_ids: Sequence[UUID]) -> list[tuple[UUID, bool]]:
        """Open questions about these events, and whether an agency's desk holds them."""
        async with self._instance.edges.store.pool.acquire() as connection:
            rows = await connection.fetch(
                "select review_id, desk is not null as has_desk from router.reviews"
                " where event_id = any($1::uuid[]) and state = 'open' order by opened_at, review_id",
                list(event_ids),
            )
        return [(row["review_id"], row["has_desk"]) for row in rows]

    async def views(self, agency: UUID) -> tuple[View, ...]:
        """An agency's inbox as its feed gives it; the size is that of the item on the wire."""
        found: list[View] = []
        after, more = 0, True
        while more:
            page = await self._instance.inbox.page(agency, after, _PAGE)
            if [item.cursor for item in page.items] != list(range(after + 1, after + 1 + len(page.items))):
                self._problems.append("an inbox feed has a gap")
            found += [_view(item) for item in page.items]
            after, more = page.next, page.more
        return tuple(found)

    async def facts(self, person: str) -> Mapping[str, Any] | None:
        """Folded facts of a person from the router's state; None where there is none."""
        subject = self._people.get(person)
        async with self._instance.edges.store.pool.acquire() as connection:
            keys = await self._instance.vault.facts_keys(connection, [subject] if subject else [])
            sealed = await connection.fetchval(
                "select sealed from router.subject_state where subject_id = $1", subject
            )
        if subject is None or sealed is None or subject not in keys:
            return None
        return facts_of(self._instance.vault.open_facts(keys[subject], sealed, STATE + subject.bytes))

    async def readable_groups(self, person: str) -> frozenset[str]:
        """Groups of a person whose slot keys the vault still holds."""
        subject = self._people.get(person)
        if subject is None:
            return frozenset()
        edges = self._instance.edges
        assert edges.keyring is not None
        async with edges.store.pool.acquire() as connection:
            key = (await KeyHolder(edges.keyring, edges.random).existing(connection, [subject])).get(subject)
            if key is None:
                return frozenset()
            bundles = await all_bundles(connection, subject)
        pins = [
            pin for event, wrapped in bundles.items() for pin in unwrap_bundle(key, subject, event, wrapped)
        ]
        return frozenset(pin.key.label for pin in pins) & set(Group)

    async def audit(self, planted: frozenset[str]) -> list[str]:
        """See :meth:`services.scenario.driver.Driver.audit`."""
        connection = await asyncpg.connect(self._owner_dsn)
        try:
            leaks = await _tables_with(connection, planted) if planted else []
            rows = await connection.fetch("select dispatch_id, subject_id from delivery.dispatches")
            alive = {
                row["subject_id"]
                for row in await connection.fetch("select subject_id from vault.subject_keys")
            }
        finally:
            await connection.close()
        problems = list(self._problems)
        problems += [f"a planted value stands in clear in {table}" for table in leaks]
        receipted = {d.dispatch_id for one in self.decisions for d in one.decision.dispatches}
        without = [row for row in rows if row["subject_id"] in alive and row["dispatch_id"] not in receipted]
        if without:
            problems.append(f"{len(without)} dispatches have no receipt")
        return problems


def _view(item: InboxItem) -> View:
    return View(
        dispatch_id=item.dispatch,
        event=item.event,
        purpose=item.purpose,
        basis=item.basis,
        priority=item.priority,
        groups=tuple(item.groups),
        items=tuple(item.items),
        notes=tuple(note.code for note in item.notes),
        dated=item.dated,
        received_at=item.received_at,
        size=len(item.model_dump_json()),
        recalled=item.recalled,
    )


async def _tables_with(connection: Any, planted: frozenset[str]) -> list[str]:
    """Tables in which one of the values stands: as it is, as UTF-16 or in hexadecimal."""
    needles = [form for value in sorted(planted) for form in _forms(value.encode())]
    tables = await connection.fetch(
        "select n.nspname as room, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1, 2"
    )
    found = []
    for table in tables:
        content = bytearray()

        async def keep(part: bytes, into: bytearray = content) -> None:
            into += part

        await connection.copy_from_table(
            table["name"], schema_name=table["room"], output=keep, format="binary"
        )
        if any(needle in content for needle in needles):
            found.append(f"{table['room']}.{table['name']}")
    return found


def _forms(value: bytes) -> tuple[bytes, ...]:
    return value, value.decode().encode("utf-16-le"), value.hex().encode()


def _structured(kind: type, value: Any) -> Any:
    """pydantic parts of a record, from plain data."""
    if issubclass(kind, BaseModel):
        return kind.model_validate(value)
    raise TypeError(f"no reading of {kind.__name__}")

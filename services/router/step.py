"""The fold of ``case-events``: open the control slot, decide for each person, write down why, tell delivery.

    records → opened by the vault → routing.step a person → states, receipts, timers, reviews, grants
            → dispatches and decisions on the log

One transaction a batch. Nothing here knows a name: groups stay sealed, the router reads facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from contracts.case_record import CaseRecord
from contracts.codec import decode
from contracts.control import ControlPayload
from contracts.decision import Step
from contracts.narrowing import closes_gate
from routing.law import Law
from routing.step import step as decide
from services.router.effects import Before, Effects
from services.router.members import Members
from services.router.reading import (
    Entry,
    Running,
    Submitted,
    read,
    running_record,
    subjects_of,
    submitted_records,
)
from services.runtime.log.port import StoredRecord
from services.runtime.store.port import UnitOfWork
from services.runtime.telemetry.traces import HEADER, batch_span
from services.vault.port import OpenedRecord, VaultDoor

LawInForce = Callable[[], Law]


class RouterStep:
    """``step`` for the consumer loop.

    Args:
        vault: opens control slots, gives facts keys, keeps grants.
        law: the rule set, directory and purposes in force, read once a batch.
    """

    def __init__(self, vault: VaultDoor, law: LawInForce) -> None:
        self._vault = vault
        self._law = law

    async def __call__(self, work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        """Fold records in order."""
        with batch_span("router.step", [record.headers.get(HEADER) for record in records]):
            await self._fold(work, [read(record) for record in records])

    async def _fold(self, work: UnitOfWork, entries: Sequence[Entry]) -> None:
        law = self._law()
        members = await Members.load(work.connection, self._vault, _everyone(entries))
        effects = Effects(self._vault, law.directory, members)
        opened = await self._open(work.connection, entries)
        for entry in entries:
            for record in self._records(entry, opened, members, law):
                if members.is_erased(record.subject):
                    continue  # her key is gone: there is nothing left to decide about
                before, step = self._decide(record, members, law)
                effects.add(entry, record, before, step)
        await effects.write(work)

    async def _open(self, connection: Any, entries: Sequence[Entry]) -> dict[UUID, OpenedRecord | None]:
        submitted = [entry for entry in entries if isinstance(entry, Submitted)]
        wanted = [(entry.event, subjects_of(entry)) for entry in submitted]
        opened = await self._vault.open_records(connection, wanted)
        return {entry.event.header.event_id: one for entry, one in zip(submitted, opened, strict=True)}

    def _records(
        self, entry: Entry, opened: Mapping[UUID, OpenedRecord | None], members: Members, law: Law
    ) -> list[CaseRecord]:
        if isinstance(entry, Running):
            subject = entry.event.subject_id
            return [
                running_record(
                    entry, members.owner(subject, law.directory), members.parent(subject), law.directory
                )
            ]
        read_ = opened[entry.event.header.event_id]
        if read_ is None:  # somebody of it was erased, after what it said of others counted for them
            return []
        members.place(entry.placed)
        control = decode(ControlPayload, read_.control)
        return submitted_records(entry, control, read_.slots, law.directory)

    def _decide(self, record: CaseRecord, members: Members, law: Law) -> tuple[Before, Step]:
        mother = record.child_of
        kin_state = members.state(mother) if mother is not None else None
        kin = {mother: kin_state} if mother is not None and kin_state is not None else {}
        before = Before(members.state(record.subject), kin, members.row(record.subject).gate_version)
        step = decide(before.state, record, law, kin)
        members.fold(record, step, narrowed=closes_gate(record.event, [record.facts]))
        return before, step


def _everyone(entries: Iterable[Entry]) -> set[UUID]:
    found: set[UUID] = set()
    for entry in entries:
        found.update(subjects_of(entry))
        if isinstance(entry, Submitted):
            found.update(s.parent_id for s in entry.placed.subjects if s.parent_id is not None)
    return found

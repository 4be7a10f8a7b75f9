"""The persons of a batch: their states, opened, and what the batch makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from contracts.case_record import CaseRecord
from contracts.decision import Step, Timer
from contracts.placed import Placed
from routing.directory import Directory
from services.router import store
from services.router.store import StateRow
from services.vault.port import VaultDoor

STATE = b"router/state"


class Members:
    """States by person. Loaded once a batch, folded in memory, written once."""

    def __init__(self, vault: VaultDoor, rows: dict[UUID, StateRow], keys: dict[UUID, bytes]) -> None:
        self._vault = vault
        self._rows = rows
        self._keys = keys
        self._states = {
            subject: vault.open_facts(keys[subject], row.sealed, STATE + subject.bytes)
            for subject, row in rows.items()
            if subject in keys and row.sealed is not None
        }
        self._timers: dict[UUID, tuple[Timer, ...]] = {}
        self._changed: dict[UUID, None] = {}

    @classmethod
    async def load(cls, connection: Any, vault: VaultDoor, subject_ids: Iterable[UUID]) -> Members:
        """Read and open the states of these persons."""
        wanted = list(subject_ids)
        rows = await store.load_states(connection, wanted)
        keys = await vault.facts_keys(connection, wanted)
        return cls(vault, rows, keys)

    def place(self, placed: Placed) -> None:
        """Take in the persons of a placed event, new ones too, and who owns their cases now."""
        for subject in placed.subjects:
            known = self._rows.get(subject.subject_id)
            if known is None:
                known = StateRow(
                    subject.subject_id,
                    subject.case_id,
                    placed.log_key,
                    placed.owner,
                    subject.parent_id,
                    0,
                    None,
                )
            moved = known.owner != placed.owner
            self._rows[subject.subject_id] = replace(known, owner=placed.owner) if moved else known

    def is_erased(self, subject: UUID) -> bool:
        """Whether her key is gone."""
        return subject not in self._keys

    @property
    def keys(self) -> dict[UUID, bytes]:
        """Facts keys by person; whoever was erased is missing."""
        return self._keys

    def row(self, subject: UUID) -> StateRow:
        """Her row as folded so far."""
        return self._rows[subject]

    def state(self, subject: UUID) -> bytes | None:
        """Her state as ``routing.step`` wrote it; None before her first event."""
        return self._states.get(subject)

    def parent(self, subject: UUID) -> UUID | None:
        """Her mother, where she was born in the case."""
        return self._rows[subject].parent_id

    def owner(self, subject: UUID, directory: Directory) -> str:
        """The agency that owns her case."""
        return directory.by_id(self._rows[subject].owner).slug

    def fold(self, record: CaseRecord, step: Step, *, narrowed: bool) -> None:
        """Keep what a step made of her."""
        subject = record.subject
        row = self._rows[subject]
        self._rows[subject] = replace(row, gate_version=row.gate_version + 1) if narrowed else row
        self._states[subject] = step.state
        self._timers[subject] = step.timers
        self._changed[subject] = None

    async def write(self, connection: Any) -> None:
        """Seal and store what changed, and the open timers."""
        changed = list(self._changed)
        if not changed:
            return
        await store.save_states(
            connection,
            [
                replace(
                    self._rows[subject],
                    sealed=self._vault.seal_facts(
                        self._keys[subject], self._states[subject], STATE + subject.bytes
                    ),
                )
                for subject in changed
            ],
        )
        timers = [
            store.TimerRow(
                timer.timer_id, subject, self._rows[subject].case_id, self._rows[subject].log_key, timer.at
            )
            for subject in changed
            for timer in self._timers[subject]
        ]
        await store.replace_timers(connection, changed, timers)

"""One submission on its way through intake, and what becomes of the same one handed in again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from contracts.api import SubmitReceipt
from contracts.control import ControlPayload
from contracts.errors import SampanError
from contracts.placed import Placed, PlacedSubject
from contracts.sealing import SealedEvent, SealedSubmission, SlotKey
from services.intake import store
from services.intake.effects import conflict
from services.vault.port import Admission

Result = SubmitReceipt | SampanError


class Handed(NamedTuple):
    """What somebody hands in.

    ``said``: of a document that is sealed here, its content. A second sealing gives other bytes, so it is the
    content that tells whether the same was said before.
    """

    raw: bytes
    caller: UUID
    said: bytes | None = None


@dataclass(slots=True)
class Candidate:
    """One submission; ``result`` is set as soon as it is known."""

    raw: bytes = field(repr=False)
    caller: UUID
    said: bytes | None = field(default=None, repr=False)
    submission: SealedSubmission = field(init=False, repr=False)
    event: SealedEvent = field(init=False, repr=False)
    mac: bytes = field(init=False, repr=False)
    control: ControlPayload = field(init=False, repr=False)
    keys: tuple[SlotKey, ...] = field(init=False, repr=False)
    placed: Placed = field(init=False)
    result: Result | None = None
    same_as: Candidate | None = None

    @property
    def named(self) -> tuple[PlacedSubject, ...]:
        """The persons whom the sender named (or the only one); not the babies that the event takes along."""
        return self.placed.subjects[: max(1, len(self.control.subjects))]

    @property
    def key(self) -> tuple[UUID, UUID]:
        """What makes it idempotent: sender and submission id."""
        return (self.caller, self.event.header.submission_id)

    def admission(self, placed: Placed) -> Admission:
        """What the vault takes over, once it has this place."""
        subjects = {subject.ref: subject.subject_id for subject in placed.subjects}
        return Admission(event=self.event, keys=self.keys, subjects=subjects)

    def start_again(self) -> None:
        """The transaction that took it was undone; what was refused stays refused."""
        if not isinstance(self.result, SampanError):
            self.result = self.same_as = None

    def follow(self) -> None:
        """Learn from the one that this one waited for; if that was refused, another content has its own chance."""
        first = self.same_as
        assert first is not None
        if first.result is None:
            return
        same = first.key == self.key and first.mac == self.mac
        if isinstance(first.result, SampanError):
            self.result = first.result if same else None
            self.same_as = None
        elif same:
            self.result = first.result.model_copy(update={"duplicate": True})
        else:
            self.result = _used_submission() if first.key == self.key else _used_event()

    def row(self) -> store.SubmissionRow:
        """What is kept of it."""
        assert isinstance(self.result, SubmitReceipt)
        header = self.event.header
        return store.SubmissionRow(
            self.caller, header.submission_id, header.event_id, self.placed.case_id, self.mac,
            self.result.model_dump_json(),
        )  # fmt: skip


def settle_repeats(candidates: list[Candidate], seen: dict[tuple[UUID, UUID], store.Earlier]) -> None:
    """The same content under the same id gets the receipt of then.

    This comes before the signature is looked at: these very bytes were verified when they were taken, and the
    sender's key may have been changed since.
    """
    for candidate in candidates:
        earlier = seen.get(candidate.key)
        if earlier is not None and earlier.mac == candidate.mac:
            receipt = SubmitReceipt.model_validate_json(earlier.receipt)
            candidate.result = receipt.model_copy(update={"duplicate": True})


def settle_conflicts(
    candidates: list[Candidate], seen: dict[tuple[UUID, UUID], store.Earlier], used: set[UUID]
) -> list[Candidate]:
    """Refuse other content under a used id, let those of one id wait for the first; returns what is new."""
    first: dict[tuple[UUID, UUID] | UUID, Candidate] = {}
    fresh: list[Candidate] = []
    for candidate in candidates:
        event_id = candidate.event.header.event_id
        rival = first.get(candidate.key) or first.get(event_id)
        if candidate.key in seen:
            candidate.result = _used_submission()
        elif event_id in used:
            candidate.result = _used_event()
        elif rival is not None:
            candidate.same_as = rival
        else:
            first[candidate.key] = first[event_id] = candidate
            fresh.append(candidate)
    return fresh


def _used_submission() -> SampanError:
    return conflict("this submission id was used before for other content", "submission_id")


def _used_event() -> SampanError:
    return conflict("this event id was used for another submission", "event_id")

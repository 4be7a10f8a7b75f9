"""From sealed bytes to a durable event and its receipt. One transaction a batch; a bad one stops no good one.

    decode and verify  →  seen before?  →  open the control slot  →  place  →  admit keys  →  receipt
    →  close gates  →  append to case-events

On return with a receipt the event is durable: it survives the loss of any process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
import structlog

from contracts.api import SubmitReceipt
from contracts.codec import decode
from contracts.control import ControlPayload
from contracts.errors import NotAllowed, NotAuthentic, NotFound, SampanError, TryLater
from contracts.ids import Random
from contracts.placed import Placed
from contracts.sealing import decode_event, decode_submission, verify
from routing.directory import Directory
from services.intake import store
from services.intake.aliases import CatchUp
from services.intake.candidate import Candidate, Handed, Result, settle_conflicts, settle_repeats
from services.intake.check import TRANSFER, check, check_reported, check_schemas, receiver_of
from services.intake.effects import narrowed_subjects, record_of
from services.intake.place import Known, ToPlace, gather, names_any, place
from services.runtime import registry
from services.runtime.failures import error_code, is_transient, raised_at
from services.runtime.store.postgres import PostgresStore
from services.runtime.telemetry.traces import batch_span
from services.vault.port import Narrowing, OpenedSubmission, VaultDoor

_CODE_ATTEMPTS: Final = 8
_ASSISTED: Final = b"assisted/1\0"
_RACES_MAX: Final = 8
_RACES: Final = (asyncpg.UniqueViolationError, asyncpg.TransactionRollbackError)
"""Another process took one of these ids between our look and our insert: looking again settles it."""
_log = structlog.get_logger(__name__)


class Intake:
    """Takes sealed submissions in.

    Args:
        store: where units of work are opened.
        vault: opens manifests and control slots, keeps group keys.
        directory: who the senders are.
        instance_id: events sealed for another instance are refused.
        random: for new ids.
        catch_up: catches up with what the router gave out; an alias in vain may only be on its way.
    """

    def __init__(
        self,
        store: PostgresStore,
        vault: VaultDoor,
        directory: Directory,
        instance_id: UUID,
        random: Random,
        catch_up: CatchUp,
    ) -> None:
        self._store, self._vault, self._directory = store, vault, directory
        self._instance_id, self._random = instance_id, random
        self._catch_up = catch_up

    async def submit(self, raw: bytes, caller: UUID) -> SubmitReceipt:
        """Take one sealed submission from an authenticated agency.

        Raises:
            InvalidInput, NotAuthentic, NotAllowed, NotFound, Conflict: nothing has been changed.
        """
        (result,) = await self.submit_many([Handed(raw, caller)])
        if isinstance(result, SampanError):
            raise result
        return result

    async def submit_many(self, batch: Sequence[Handed]) -> list[Result]:
        """Take several; one result each, in order. Everything accepted is durable on return."""
        candidates = [Candidate(*one) for one in batch]
        for candidate in candidates:
            self._try(candidate, self._read)
        # A reference that nobody gave out opens a case: one that a recipient was given must be known by now.
        await self._catch_up()
        await self._take_all(candidates)
        unfound = [candidate for candidate in candidates if isinstance(candidate.result, NotFound)]
        if unfound:
            await self._catch_up()
            for candidate in unfound:
                candidate.result = None
            await self._take_all(unfound)
        while waiting := [candidate for candidate in candidates if candidate.result is None]:
            for candidate in waiting:
                candidate.follow()
            await self._take_all([candidate for candidate in waiting if candidate.result is None])
        await self._keep_rejections(candidates)
        return [candidate.result for candidate in candidates if candidate.result is not None]

    async def _take_all(self, candidates: list[Candidate]) -> None:
        """In one transaction; where that fails, one by one, so that each answers for itself alone."""
        if not candidates:
            return
        try:
            await self._take(candidates)
        except _RACES:
            await self._take_each(candidates)
        except Exception as error:
            if is_transient(error):  # the database is gone for all of them
                raise
            # One by one it may not come again, and whoever must mend it would never hear of it.
            _log.error("submissions_failed_together", error=error_code(error), at=raised_at(error))
            await self._take_each(candidates)

    async def _take_each(self, candidates: list[Candidate]) -> None:
        for candidate in candidates:
            candidate.start_again()
        for candidate in candidates:
            if candidate.result is None:
                await self._take_alone(candidate)

    async def _take_alone(self, candidate: Candidate) -> None:
        for _ in range(_RACES_MAX):
            candidate.start_again()
            try:
                await self._take([candidate])
                return
            except _RACES:
                continue
            except Exception as error:
                if is_transient(error):
                    raise
                candidate.result = error if isinstance(error, SampanError) else _our_fault(error)
                return
        candidate.result = TryLater("many submissions about one case came at once", code="contended",
                                    remedy="Send it again shortly.")  # fmt: skip

    def _try(self, candidate: Candidate, action: Callable[[Candidate], None]) -> None:
        if candidate.result is None:
            try:
                action(candidate)
            except SampanError as error:
                candidate.result = error

    def _read(self, candidate: Candidate) -> None:
        said = candidate.said
        candidate.mac = self._vault.content_mac(candidate.raw if said is None else _ASSISTED + said)
        candidate.submission = decode_submission(candidate.raw)
        candidate.event = decode_event(candidate.submission.event)
        header = candidate.event.header
        if header.instance != self._instance_id:
            raise NotAuthentic(
                "this event was sealed for another Sampan instance",
                code="other-instance",
                remedy="Fetch the instance's description again and prepare the document anew.",
            )
        if header.sender != candidate.caller:
            raise NotAllowed(
                "the token belongs to another agency than the event",
                code="other-sender",
                field="sender",
                remedy="Use the token of the agency that signs.",
            )

    async def _take(self, candidates: list[Candidate]) -> None:
        with batch_span("intake.submit", []):
            await self._take_traced(candidates)

    async def _take_traced(self, candidates: list[Candidate]) -> None:
        async with self._store.unit_of_work() as work:
            fresh = await self._not_seen(work.connection, candidates, work.now)
            await self._open(fresh)
            for candidate in fresh:
                self._try(candidate, lambda c: self._check(c, work.now))
            await self._place(work.connection, fresh, work.now)
            taken = [candidate for candidate in fresh if candidate.result is None]
            if taken:
                await self._keep(work.connection, taken, work.now)
                for c in taken:
                    work.emit(record_of(c.event.header, c.submission.event, c.placed))

    async def _not_seen(self, connection: Any, candidates: list[Candidate], now: datetime) -> list[Candidate]:
        """Those that are well signed and were never submitted; the others get the receipt of then, or why not."""
        open_ = [candidate for candidate in candidates if candidate.result is None]
        # Event ids first: what another process takes between the two looks is then a repetition, no conflict.
        used = await store.used_event_ids(connection, {c.event.header.event_id for c in open_})
        seen = await store.earlier(connection, [c.key for c in open_])
        settle_repeats(open_, seen)
        await self._verify(connection, candidates, now)
        open_ = [candidate for candidate in candidates if candidate.result is None]
        return settle_conflicts(open_, seen, used)

    async def _verify(self, connection: Any, candidates: list[Candidate], now: datetime) -> None:
        open_ = [candidate for candidate in candidates if candidate.result is None]
        # PostgreSQL's text holds no NUL, and so no key of that name.
        named = {(c.caller, c.event.header.signing_key_id) for c in open_}
        wanted = {pair for pair in named if "\0" not in pair[1]}
        keys = await registry.signing_keys(connection, wanted)
        for candidate in open_:
            key = keys.get((candidate.caller, candidate.event.header.signing_key_id))
            if key is None or not key.counts_at(now):
                candidate.result = NotAuthentic(
                    "the signing key is not enrolled for this agency, or not valid today", code="unknown-key",
                    field="signing_key_id", remedy="Ask the operator to enrol this agency's key.",
                )  # fmt: skip
            else:
                public_key = key.public_key
                self._try(candidate, lambda c, k=public_key: verify(c.event, k))  # type: ignore[misc]

    async def _open(self, fresh: list[Candidate]) -> None:
        results = await self._vault.open_submissions([(c.submission, c.event) for c in fresh])
        for candidate, result in zip(fresh, results, strict=True):
            if isinstance(result, SampanError):
                candidate.result = result
            else:
                self._try(candidate, lambda c, opened=result: _read_control(c, opened))  # type: ignore[misc]

    def _check(self, candidate: Candidate, now: datetime) -> None:
        sender = self._directory.by_id(candidate.caller)
        check(candidate.control, sender, candidate.event.header.occurred_at, now)
        check_reported(candidate.control, sender, now)
        if candidate.control.event == TRANSFER:
            receiver_of(candidate.control, self._directory, now)

    def _new_owner(self, candidate: Candidate, now: datetime) -> UUID | None:
        """Who owns the case from now on, where its owner hands it over."""
        if candidate.control.event != TRANSFER or candidate.caller != candidate.placed.owner:
            return None
        return receiver_of(candidate.control, self._directory, now).agency_id

    async def _place(self, connection: Any, fresh: list[Candidate], now: datetime) -> None:
        open_ = [candidate for candidate in fresh if candidate.result is None]
        if not open_:
            return
        wanted = [(c, ToPlace(c.caller, c.event.header.case_ref, c.control)) for c in open_]
        known = await self._known(connection, wanted)
        for candidate, one in wanted:
            if candidate.result is not None:
                continue
            try:
                candidate.placed = place(one, known, self._random, now, self._admissible(candidate))
            except SampanError as error:
                candidate.result = error
                continue
            if (owner := self._new_owner(candidate, now)) is not None:
                known.hand_over(candidate.placed.case_id, owner)
        await self._look_again(connection, [c for c in open_ if c.result is not None])
        await store.insert_cases(connection, known.new_cases, now)
        await store.insert_subjects(connection, known.new_subjects)

    async def _known(self, connection: Any, wanted: list[tuple[Candidate, ToPlace]]) -> Known:
        """What the batch's references mean. One that a recipient was given is never taken for a new one.

        What a stranger names may be on its way still: a case opened under it would take in what was meant for
        another, a withdrawal too.
        """
        known = await gather(connection, [one for _, one in wanted])
        if not known.strangers or self._catch_up.is_current:
            return known
        if await self._catch_up.is_complete():
            return await gather(connection, [one for _, one in wanted])
        for candidate, one in wanted:
            if names_any(one, known.strangers):
                candidate.result = TryLater(
                    "references given out a moment ago are still on their way", code="not-caught-up",
                    remedy="Send it again in some seconds.",
                )  # fmt: skip
        return known

    async def _look_again(self, connection: Any, refused: list[Candidate]) -> None:
        """Give the receipt of then to what another process took after we had looked.

        Its person stood in a case by the time it was placed here, which is no fault of this copy.
        """
        if not refused:
            return
        refusals = [candidate.result for candidate in refused]
        for candidate in refused:
            candidate.result = None
        settle_repeats(refused, await store.earlier(connection, [candidate.key for candidate in refused]))
        for candidate, refusal in zip(refused, refusals, strict=True):
            candidate.result = candidate.result or refusal

    def _admissible(self, candidate: Candidate) -> Callable[[Placed], None]:
        return lambda placed: self._vault.check_admission(candidate.admission(placed))

    async def _keep(self, connection: Any, taken: list[Candidate], now: datetime) -> None:
        await self._vault.admit(connection, [c.admission(c.placed) for c in taken], now)
        codes = await self._codes(connection, {(c.placed.case_id, c.caller) for c in taken})
        refs = []
        for candidate in taken:
            candidate.result = self._receipt(
                candidate, codes[candidate.placed.case_id, candidate.caller], now
            )
            refs += self._aliases(candidate)
        await store.insert_refs(connection, refs)
        for candidate in taken:
            if (owner := self._new_owner(candidate, now)) is not None:
                await store.transfer(connection, candidate.placed.case_id, owner)
        await store.insert_submissions(connection, [candidate.row() for candidate in taken], now)
        await self._close_gates(connection, taken)

    async def _close_gates(self, connection: Any, taken: list[Candidate]) -> None:
        """Last: a vault apart has committed it on return, and nothing here may find a fault after that."""
        narrowings = [
            Narrowing(c.event.header.event_id, subject_id)
            for c in taken
            for subject_id in narrowed_subjects(c.control, c.placed)
        ]
        await self._vault.narrow(connection, narrowings)

    async def _codes(self, connection: Any, pairs: set[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], str]:
        ordered = sorted(pairs)
        codes = await store.codes_of(connection, ordered)
        missing = [pair for pair in ordered if pair not in codes]
        for attempt in range(_CODE_ATTEMPTS):
            made = {pair: self._vault.case_code(*pair, attempt) for pair in missing}
            taken = await store.insert_codes(connection, made)
            codes |= {pair: code for pair, code in made.items() if pair not in taken}
            missing = [pair for pair in missing if pair in taken]
            if not missing:
                return codes
        raise SampanError("no free case code was found", code="case-codes-exhausted")

    def _receipt(self, candidate: Candidate, code: str, now: datetime) -> SubmitReceipt:
        """The case and persons as this sender knows them: its own ids where it minted them, else aliases."""
        placed, header = candidate.placed, candidate.event.header
        own = placed.owner == candidate.caller
        refs = [
            subject.ref
            or (
                subject.subject_id
                if own
                else self._vault.alias("subject", subject.subject_id, candidate.caller)
            )
            for subject in candidate.named
        ]
        return SubmitReceipt(
            submission_id=header.submission_id,
            event_id=header.event_id,
            case_code=code,
            case_ref=placed.case_id if own else self._vault.alias("case", placed.case_id, candidate.caller),
            subject_refs=refs,
            recorded_at=now,
            assisted=header.assisted,
        )

    def _aliases(self, candidate: Candidate) -> list[tuple[UUID, str, UUID, UUID]]:
        """The aliases that the receipt hands out, so that they are understood when they come back."""
        placed, caller = candidate.placed, candidate.caller
        if placed.owner == caller:
            return []
        found = [(self._vault.alias("case", placed.case_id, caller), "c", placed.case_id, caller)]
        for subject in candidate.named:
            name = self._vault.alias("subject", subject.subject_id, caller)
            found.append((name, "s", subject.subject_id, caller))
        return found

    async def _keep_rejections(self, candidates: list[Candidate]) -> None:
        rows = [
            (c.caller, c.mac, c.result.code, c.result.field)
            for c in candidates
            if isinstance(c.result, SampanError) and not c.result.retryable
        ]
        if rows:
            async with self._store.unit_of_work() as work:
                await store.insert_rejections(work.connection, rows, work.now)


def _read_control(candidate: Candidate, opened: OpenedSubmission) -> None:
    check_schemas(opened.keys)
    candidate.keys, candidate.control = opened.keys, decode(ControlPayload, opened.control)


def _our_fault(error: Exception) -> SampanError:
    """A fault of ours in one submission: the log gets the place, nobody gets the message (it may echo a value)."""
    _log.error("submission_failed", error=error_code(error), at=raised_at(error))
    return SampanError(
        "something went wrong on our side with this one", code="internal",
        remedy="Send it again; if it stays, tell the operator the time and what you did.",
    )  # fmt: skip

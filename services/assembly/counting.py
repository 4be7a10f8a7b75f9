"""Counts and times what the services do, around them and not inside them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

from contracts.errors import SampanError
from services.intake.candidate import Handed, Result
from services.runtime.consumer import Step
from services.runtime.log.port import StoredRecord
from services.runtime.store.port import UnitOfWork
from services.runtime.telemetry.metrics import Metrics

SubmitMany = Callable[[Sequence[Handed]], Awaitable[list[Result]]]


def counted(submit_many: SubmitMany, metrics: Metrics) -> SubmitMany:
    """``submit_many``, counted by outcome and timed by batch."""

    async def wrapped(batch: Sequence[Handed]) -> list[Result]:
        started = time.monotonic()
        try:
            results = await submit_many(batch)
        except Exception:
            metrics.count("sampan_submissions_total", len(batch), outcome="failed")
            raise
        metrics.observe("sampan_submit_seconds", time.monotonic() - started)
        for result in results:
            if isinstance(result, SampanError):
                outcome = "refused"
            else:
                outcome = "duplicate" if result.duplicate else "accepted"
            metrics.count("sampan_submissions_total", outcome=outcome)
        return results

    return wrapped


def counted_step(consumer: str, step: Step, metrics: Metrics) -> Step:
    """A consumer's ``step``, counted by record and timed by batch."""

    async def wrapped(work: UnitOfWork, records: Sequence[StoredRecord]) -> None:
        started = time.monotonic()
        await step(work, records)
        metrics.observe("sampan_step_seconds", time.monotonic() - started, consumer=consumer)
        metrics.count("sampan_records_applied_total", len(records), consumer=consumer)

    return wrapped

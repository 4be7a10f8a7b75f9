"""How many decisions with receipt one core makes: ``routing.step`` and the receipt's bytes, no I/O."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid5

from benchmarks.machine import Meter, report
from contracts.case_record import CaseRecord
from contracts.consent import Consent
from contracts.decision import SlotRef
from contracts.facts import Facts
from routing.receipt import receipt_of
from routing.step import step
from services.assembly import region

SPACE = UUID("0d6f2f0c-6f6c-4f0e-9d0c-1f6c2f5d9a10")
AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
FACTS = Facts.model_validate({
    "found_in": "TH", "stage": "destination", "trafficking_status": "PossibleVictimOfTrafficking",
    "exploitation": ["SexualExploitation"], "citizenship": ["LA"],
})  # fmt: skip
CONSENT = Consent.model_validate({
    "purposes": ["IDENTIFY", "SHELTER", "LEGAL"], "to": ["any@TH"], "until": "90d", "from": "self",
    "groups": ["F0", "F1", "F2", "F5", "F11", "F12"],
})  # fmt: skip


NO_FACTS = Facts()


def record(number: int, event: str, consent: Consent | None = None, facts: Facts = NO_FACTS) -> CaseRecord:
    """A record of one subject of her own."""
    subject, event_id = uuid5(SPACE, f"subject/{number}"), uuid5(SPACE, f"{event}/{number}")
    groups = () if consent else ("F1", "F2", "F5", "F11", "F12")
    return CaseRecord(
        event_id=event_id, event=event, case_id=uuid5(SPACE, f"case/{number}"), case_subjects=(subject,),
        subject=subject, emitter="ngo-th", emitter_address="NGO-H@TH", owner="ngo-th", occurred_at=AT,
        recorded_at=AT, consent=consent, facts=facts,
        slots={group: SlotRef(event_id, uuid5(event_id, group)) for group in groups},
    )  # fmt: skip


def main(seed: int, count: int = 3000) -> None:
    """Time the second record of ``count`` subjects: three recipients each."""
    _, law = region.load(None)
    before = [step(None, record(n, "ConsentGiven", CONSENT), law).state for n in range(count)]
    records = [record(n, "IdentificationRequested", facts=FACTS) for n in range(count)]
    with Meter() as matching:
        steps = [step(state, one, law) for state, one in zip(before, records, strict=True)]
    with Meter() as receipts:
        for state, one, made in zip(before, records, steps, strict=True):
            receipt_of(state, one, made)
    told = len(steps[0].decision.dispatches)
    both = matching.wall_seconds + receipts.wall_seconds
    report(
        "decision",
        {
            "decisions_with_receipt_per_second": round(count / both, 1),
            "decide_us": round(1e6 * matching.wall_seconds / count, 1),
            "receipt_us": round(1e6 * receipts.wall_seconds / count, 1),
            "recipients": told,
            "rules": len(law.rules),
            "count": count,
            "steal_percent": round(matching.steal_percent, 1),
        },
        seed,
    )

"""Histories of many different people, drawn from a seed: records as a router gets them, one subject each.

Few people are alike for long: facts, consents, events, emitters and answers vary, timers come due, consents are
narrowed. :func:`referrals` gives the usual second record, of which three agencies or so are told; :func:`told` whole
histories. All people are invented.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.address import parse_address
from contracts.case_record import AnswerTo, CaseRecord, ReviewAnswer
from contracts.consent import Consent
from contracts.decision import SlotRef, Step
from contracts.facts import Facts
from routing.law import Law
from routing.step import step

START: Final = datetime(2026, 3, 2, 2, tzinfo=UTC)
GROUPS: Final = ("F1", "F2", "F3", "F4", "F5", "F6", "F7", "F9", "F11", "F12", "F13")
PURPOSES: Final = ("IDENTIFY", "SHELTER", "MEDICAL", "LEGAL", "NOTIFY_ORIGIN", "RETURN", "RECEPTION", "TRACE")
CONSENTED_TO: Final = ("any@TH", "any@LA", "RFP@LA", "CON.LA@TH", "MED@TH", "SHA@TH", "any@VN", "any@KH")
EVENTS: Final = (
    "IndicatorFound", "NeedsAssessed", "IdentificationRequested", "VictimIdentified", "ReferralSent",
    "ReturnPlanProposed", "FamilyTracingRequested", "CompensationAwarded", "DetentionReported",
    "NotificationObjected", "AsylumClaimRaised", "ConsularContactRequested",
)  # fmt: skip
EMITTERS: Final = ("NGO-H@TH", "NGO-H@TH", "IDA@TH", "SHA@TH", "RFP@TH", "LEG@TH", "CON.VN@TH")
ADDRESSED: Final = ((), (), (), ("MED@TH",), ("RFP@LA",), ("CON.LA@TH",), ("past_recipients",), ("LEA@TH",))
ANSWERS: Final = ("ReferralAcknowledged", "ReferralAccepted", "ReferralDeclined", "ReferralCompleted")
FORMS: Final = 24
"""Ways in which the agencies' consent forms are usually filled in."""
_HELP: Final = ("IDENTIFY", "SHELTER", "LEGAL")
SUBJECT_FACTS: Final[dict[str, tuple[Any, ...]]] = {
    "citizenship": (["LA"], ["LA"], ["KH"], ["VN"], ["MM"], ["LA", "VN"], "undetermined"),
    "residence_at_entry": ("LA", "KH", "MM"),
    "trafficking_status": ("PossibleVictimOfTrafficking", "ActualVictimOfTrafficking"),
    "exploitation": (["SexualExploitation"], ["ForcedLabour"], ["ForcedLabour", "SexualExploitation"], ["Surrogacy"]),
    "age": (9, 15, 17, 19, 22, 31, 40, "child", "adult", "in_doubt"),
    "papers": ("held", "none"),
    "stage": ("destination", "transit", "unknown"),
}
LATER_FACTS: Final[dict[str, tuple[Any, ...]]] = {
    **SUBJECT_FACTS,
    "asylum": ("none", "fear", "claimed"),
    "detained": ("none", "immigration", "police"),
    "life_in_danger": (True, False),
    "sexual_violence": (True, False, {"hours_ago": 20}),
    "notify_origin": ("not_asked", "no_objection", "objection"),
    "lands_in": ("LA", "KH"),
    "testimony": ("willing", "unwilling"),
    "accompanied_by": ("uncle", "aunt"),
    "pregnant": (True, False),
    "risk_review": (True, False),
    "guardian": (True, False),
    "order_until": ("30d", "2026-06-30"),
}


class Moment(NamedTuple):
    """A step to be taken: the state before it, the record, the states of kin."""

    state: bytes | None
    record: CaseRecord
    kin: dict[UUID, bytes]


class Teller:
    """One person's history as it goes on; ``mother`` if it is a baby's."""

    def __init__(self, law: Law, draw: random.Random, mother: Teller | None = None) -> None:
        self.law, self.draw, self.mother = law, draw, mother
        self.subject, self.case = self._id(), self._id()
        self.owner_address = draw.choice(("NGO-H@TH", "NGO-H@TH", "SHA@TH"))
        self.owner = _holder(law, self.owner_address)
        self.at = START + timedelta(minutes=draw.randrange(60 * 24 * 20))
        self.state: bytes | None = None
        self.steps: list[Step] = []

    def _id(self) -> UUID:
        return UUID(bytes=self.draw.randbytes(16), version=4)

    def moment(self, event: str, by: str | None, *, emitter: str | None = None, **more: Any) -> Moment:
        """A record as it would come next: ``by`` the role that speaks, ``emitter`` who, if not its usual holder."""
        event_id, kin = self._id(), {}
        slots = {group: SlotRef(event_id, self._id()) for group in more.pop("seal", ())}
        if self.mother is not None and self.mother.state is not None:
            kin = {self.mother.subject: self.mother.state}
        record = CaseRecord(
            event_id=event_id, event=event, case_id=self.case, case_subjects=(self.subject,), subject=self.subject,
            child_of=self.mother.subject if kin and self.mother else None,
            emitter=emitter or (_holder(self.law, by) if by else None), emitter_address=by, owner=self.owner,
            occurred_at=self.at, recorded_at=self.at, facts=Facts(**more.pop("facts", {})), slots=slots, **more,
        )  # fmt: skip
        return Moment(self.state, record, kin)

    def take(self, moment: Moment) -> Step:
        """It happens."""
        done = step(moment.state, moment.record, self.law, moment.kin)
        self.state = done.state
        self.steps.append(done)
        return done

    def facts(self, known: dict[str, tuple[Any, ...]], most: int) -> dict[str, Any]:
        """Some facts."""
        names = self.draw.sample(sorted(known), self.draw.randint(0, most))
        return {name: self.draw.choice(known[name]) for name in names}

    def consent(
        self, always: tuple[str, ...] = (), to: tuple[str, ...] = (), by: tuple[str, ...] = ("self", "self", "guardian")
    ) -> Consent:
        """A consent of hers."""
        draw = self.draw
        purposes = dict.fromkeys((*always, *draw.sample(PURPOSES, draw.randint(1, 5))))
        return Consent.model_validate({
            "purposes": list(purposes), "to": list(to or draw.sample(CONSENTED_TO, draw.randint(1, 3))),
            "groups": ["F0", *draw.sample(GROUPS, draw.randint(1, 8))], "until": draw.choice(("90d", "1y", "3mo")),
            "from": draw.choice(by), "assent": draw.choice((None, True)),
        })  # fmt: skip

    def opening(self) -> Moment:
        """The first record: mostly a consent, sometimes an indicator alone."""
        facts = {"found_in": "TH", **self.facts(SUBJECT_FACTS, 5)}
        if self.draw.random() < 0.8:
            return self.moment("ConsentGiven", self.owner_address, facts=facts, consent=self.consent())
        return self.moment("IndicatorFound", self.owner_address, facts=facts, seal=("F1", "F5"))

    def next(self) -> Moment:
        """What comes next: a timer that is due, an answer, a consent taken back, or something new."""
        draw = self.draw
        self.at += timedelta(minutes=draw.choice((1, 30, 60 * 5, 60 * 24, 60 * 24 * 6)))
        due = [timer for timer in self.steps[-1].timers if timer.at <= self.at]
        if due:
            return self.moment("DeadlineDue", None, timer_id=due[0].timer_id)
        told = [one for done in self.steps for one in done.decision.dispatches]
        asked = [one for done in self.steps for one in done.decision.reviews]
        what = draw.random()
        if told and what < 0.2:
            one = draw.choice(told)
            by = one.address if "@" in one.address else self.owner_address
            answer = AnswerTo(dispatch_id=one.dispatch_id)
            return self.moment(draw.choice(ANSWERS), by, emitter=one.recipient, answer=answer)
        if asked and what < 0.3:
            said = ReviewAnswer(review_id=draw.choice(asked).review_id, action=draw.choice(("release", "refuse")))
            return self.moment("ReviewResolved", self.owner_address, review=said)
        if what < 0.4:
            event = draw.choice(("ConsentGiven", "ConsentNarrowed", "ConsentWithdrawn"))
            everything = event == "ConsentWithdrawn" and draw.random() < 0.5
            return self.moment(event, self.owner_address, consent=None if everything else self.consent())
        return self.moment(
            draw.choice(EVENTS), draw.choice(EMITTERS), facts=self.facts(LATER_FACTS, 4), to=draw.choice(ADDRESSED),
            seal=tuple(draw.sample(GROUPS, draw.randint(0, 5))), purpose=draw.choice((None, None, "MEDICAL", "RETURN")),
            priority=draw.choice((None, None, "URGENT", "EMERGENCY")),
        )  # fmt: skip


def _holder(law: Law, address: str) -> str:
    return law.directory.resolve(parse_address(address), START)[0].slug


def told(law: Law, seed: int, people: int, longest: int = 9) -> Iterator[tuple[Moment, Step]]:
    """Whole histories, one person after another, each step with what the engine made of it. A tenth are babies'."""
    draw = random.Random(seed)
    before: Teller | None = None
    for _ in range(people):
        person = Teller(law, draw, before if draw.random() < 0.1 else None)
        for number in range(draw.randint(2, longest)):
            moment = person.next() if number else person.opening()
            yield moment, person.take(moment)
        before = person


def referrals(law: Law, seed: int, people: int) -> Iterator[Moment]:
    """The second record of many people: each consented to help, and now identification is asked for."""
    draw = random.Random(seed)
    forms = [Teller(law, random.Random(n)).consent(_HELP, ("any@TH",), ("self",)) for n in range(FORMS)]
    for _ in range(people):
        person = Teller(law, draw)
        person.take(person.moment("ConsentGiven", "NGO-H@TH", consent=draw.choice(forms)))
        person.at += timedelta(minutes=draw.randrange(1, 60 * 24))
        facts = {"found_in": "TH", **person.facts(SUBJECT_FACTS, 6), "age": draw.choice((19, 22, 31, "adult"))}
        seal = tuple(draw.sample(GROUPS, draw.randint(2, 6)))
        yield person.moment("IdentificationRequested", "NGO-H@TH", facts=facts, seal=seal)

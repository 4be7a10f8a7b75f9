"""The calls to Primero in their order, as values: what to ask now, and what each answer leads to.

    create case ─204─▶ read it back ─────────────────────────▶ create referral ─▶ delivered
        └──409──▶ read it ─▶ fill what is blank ─▶ list referrals ┤
                                                                  └ ours is there ─▶ delivered
    withdraw:  list referrals ─ ours is there ─▶ DELETE ─▶ status is revoked ─▶ delivered
               (consent withdrawn, case there: before any end, the case's own consent is ended too)

Creating a case is keyed by the id that we choose (the subject's alias), a referral is not: an exchange that
starts again reads the referrals before it creates one. Nothing is ever looked up by anything but an exact id:
Primero drops filters that a role may not read, and a search for nothing finds somebody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from adapters.channels.effect import Effect
from adapters.exchange import Call, Exchange, NoReply, Reply, Verdict
from adapters.primero import notes
from adapters.primero.codes import TASK_STATUS
from adapters.primero.replies import data_of, failure, status_of

PER_PAGE: Final = 1000  # Primero's hard cap; asking for more gets this many all the same
PAGES_MAX: Final = 50
CONSENTS: Final = ("consent_for_services", "disclosure_other_orgs")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to stand in Primero in the end."""

    case: UUID
    dispatch: UUID
    case_fields: Mapping[str, Any]
    referral: Mapping[str, Any]  # without notes
    text: str  # the notes
    ends_consent: bool = False

    @property
    def path(self) -> str:
        return f"/api/v2/cases/{self.case}"

    def __repr__(self) -> str:
        return f"Plan(case={self.case}, dispatch={self.dispatch})"


@dataclass(frozen=True, slots=True)
class CreateCase:
    """Create the case under the subject's alias; 409 says that it is there."""

    plan: Plan

    @property
    def call(self) -> Call:
        data = {"id": str(self.plan.case), **self.plan.case_fields}
        return Call("POST", "/api/v2/cases", json={"data": data}, effect=Effect.KEYED)

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if isinstance(reply, Reply) and reply.status in (200, 201, 204):
            return ReadCase(self.plan, fresh=True)
        if isinstance(reply, Reply) and reply.status == 409:
            return ReadCase(self.plan, fresh=False)
        return failure(reply, repeatable=True)


@dataclass(frozen=True, slots=True)
class ReadCase:
    """See what Primero kept: it drops fields that our role may not write, and says nothing."""

    plan: Plan
    fresh: bool

    @property
    def call(self) -> Call:
        return Call("GET", self.plan.path)

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if not isinstance(reply, Reply) or reply.status != 200:
            return failure(reply, repeatable=True)
        held = data_of(reply)
        if str(held.get("id", "")).lower() != str(self.plan.case):
            return Verdict(
                "unknown", "primero-other-case", remedy="Ask the recipient's administrator to look."
            )
        wanted = self.plan.case_fields
        blank = {name: value for name, value in wanted.items() if held.get(name) in (None, "", [])}
        # Consent is ours to say: a case that an earlier dispatch opened without it may have it now.
        blank |= {name: True for name in CONSENTS if wanted.get(name) is True and held.get(name) is not True}
        differs = tuple(
            sorted(name for name, value in wanted.items() if name not in blank and held[name] != value)
        )
        if self.fresh:
            return CreateReferral(self.plan, kept_as_text=tuple(sorted({*blank, *differs})))
        if blank:
            return FillCase(self.plan, blank, differs)
        return ListReferrals(self.plan, kept_as_text=differs)


@dataclass(frozen=True, slots=True)
class FillCase:
    """Add what the case does not hold yet. What the agency's own people wrote is never overwritten."""

    plan: Plan
    blank: Mapping[str, Any]
    kept_as_text: tuple[str, ...]

    def __repr__(self) -> str:
        return f"FillCase({self.plan!r})"

    @property
    def call(self) -> Call:
        return Call("PATCH", self.plan.path, json={"data": dict(self.blank)})

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if not isinstance(reply, Reply) or reply.status not in (200, 204):
            return failure(reply, repeatable=True)
        held = data_of(reply)
        unkept = [
            name for name, value in self.blank.items() if reply.status == 200 and held.get(name) != value
        ]
        return ListReferrals(self.plan, kept_as_text=tuple(sorted({*self.kept_as_text, *unkept})))


@dataclass(frozen=True, slots=True)
class ListReferrals:
    """Look for the referral that an earlier attempt may have left, page by page."""

    plan: Plan
    kept_as_text: tuple[str, ...] = ()
    page: int = 1
    seen: int = 0
    withdrawing: bool = False

    @property
    def call(self) -> Call:
        return Call("GET", f"{self.plan.path}/referrals", {"page": str(self.page), "per": str(PER_PAGE)})

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if isinstance(reply, Reply) and reply.status == 404 and self.withdrawing:
            return Verdict("delivered", "primero-nothing-there")
        rows = _rows(reply) if isinstance(reply, Reply) and reply.status == 200 else None
        if not isinstance(reply, Reply) or rows is None:
            return failure(reply, repeatable=True)
        ours = next((row for row in rows if _is_ours(row, self.plan)), None)
        if ours is not None:
            return self._found(ours)
        total = _total(reply)
        if total is not None and self.seen + len(rows) < total:
            if not rows or self.page >= PAGES_MAX:
                return Verdict("unknown", "primero-list-incomplete", remedy="Ask the administrator to look.")
            return replace(self, page=self.page + 1, seen=self.seen + len(rows))
        if self.withdrawing:
            return EndConsent.or_done(self.plan, Verdict("delivered", "primero-nothing-there"))
        return CreateReferral(self.plan, self.kept_as_text)

    def _found(self, row: Mapping[str, Any]) -> Exchange | Verdict:
        status = row.get("status")
        if self.withdrawing and status != "revoked":
            return Revoke(self.plan, str(row.get("id")))
        if self.withdrawing:
            return EndConsent.or_done(self.plan, _revoked(str(row.get("id"))))
        if status not in TASK_STATUS:
            return Verdict("unknown", "primero-unknown-status", remote_id=str(row.get("id")))
        return Verdict(
            "delivered",
            "primero-already-there",
            remote_id=str(row.get("id")),
            remote_status=TASK_STATUS[status],
            kept_as_text=self.kept_as_text,
        )


@dataclass(frozen=True, slots=True)
class CreateReferral:
    """Refer the case. Not keyed: without an answer, only reading tells whether it happened."""

    plan: Plan
    kept_as_text: tuple[str, ...] = ()

    @property
    def call(self) -> Call:
        unkept = (
            [f"Not kept in the case's own fields: {', '.join(self.kept_as_text)}."]
            if self.kept_as_text
            else []
        )
        unkept += [
            f"{name}: {_plain(value)}" for name in self.kept_as_text if (value := self.plan.case_fields[name])
        ]
        data = {**self.plan.referral, "notes": "\n".join([self.plan.text, *unkept])}
        return Call("POST", f"{self.plan.path}/referrals", json={"data": data}, effect=Effect.CHECK_THEN_ACT)

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if not isinstance(reply, Reply) or reply.status not in (200, 201):
            return failure(reply, repeatable=False)
        made = data_of(reply)
        remote = str(made.get("id")) if made.get("id") else None
        if not _is_ours(made, self.plan):
            return Verdict("unknown", "primero-answer-differs", remote_id=remote)
        if made.get("transitioned_to") != self.plan.referral["transitioned_to"]:
            return Verdict(
                "unknown",
                "primero-wrong-recipient",
                field="transitioned_to",
                remote_id=remote,
                remedy="Withdraw this referral in Primero and check the deployment's lookups.",
            )
        if made.get("status") != "in_progress":
            return Verdict("unknown", "primero-answer-differs", field="status", remote_id=remote)
        return Verdict(
            "delivered",
            "primero-referred",
            remote_id=remote,
            remote_status=status_of(made),
            kept_as_text=self.kept_as_text,
        )


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take a referral back, then look: Primero answers a move that it does not allow with success."""

    plan: Plan
    referral: str

    @property
    def call(self) -> Call:
        return Call("DELETE", f"{self.plan.path}/referrals/{self.referral}")

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if not isinstance(reply, Reply) or reply.status not in (200, 204):
            return failure(reply, repeatable=True)
        made = data_of(reply)
        if str(made.get("id")) != self.referral or made.get("status") != "revoked":
            answered = Verdict(
                "refused",
                "primero-not-revoked",
                field="status",
                remote_id=self.referral,
                remote_status=status_of(made),
                remedy="The referral was already answered: telephone the recipient.",
            )
            return EndConsent.or_done(self.plan, answered)
        return EndConsent.or_done(self.plan, _revoked(self.referral))


@dataclass(frozen=True, slots=True)
class EndConsent:
    """After a withdrawal of consent, the case says so too: nothing in Primero passes it on by itself.

    Whatever became of the referral (``verdict``): a case with nothing to revoke would go on saying yes.
    """

    plan: Plan
    verdict: Verdict

    @classmethod
    def or_done(cls, plan: Plan, verdict: Verdict) -> Exchange | Verdict:
        """End the consent where it was withdrawn, else nothing is left to do. Both end with ``verdict``."""
        return cls(plan, verdict) if plan.ends_consent else verdict

    @property
    def call(self) -> Call:
        return Call("PATCH", self.plan.path, json={"data": dict.fromkeys(CONSENTS, False)})

    def after(self, reply: Reply | NoReply) -> Exchange | Verdict:
        if not isinstance(reply, Reply) or reply.status not in (200, 204):
            return failure(reply, repeatable=True)
        return self.verdict


def _revoked(referral: str) -> Verdict:
    return Verdict("delivered", "primero-revoked", remote_id=referral, remote_status="cancelled")


def _rows(reply: Reply) -> list[Any] | None:
    """The list that was asked for. None: the answer is something else, and says nothing about what is there."""
    rows = reply.json.get("data") if isinstance(reply.json, dict) else None
    return rows if isinstance(rows, list) else None


def _total(reply: Reply) -> int | None:
    meta = reply.json.get("metadata") if isinstance(reply.json, dict) else None
    total = meta.get("total") if isinstance(meta, dict) else None
    return total if isinstance(total, int) else None


def _is_ours(row: object, plan: Plan) -> bool:
    if not isinstance(row, dict):
        return False
    same_case = str(row.get("record_id", plan.case)).lower() == str(plan.case)
    return same_case and notes.dispatch_of(row.get("notes")) == plan.dispatch


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

"""The HTTP API, one method per endpoint, answers as the models of :mod:`contracts.api`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ValidationError

from contracts.api import (
    AgencyInfo,
    CaseTimeline,
    DeadLetterCount,
    ErasureTicket,
    InboxItem,
    InboxPage,
    InstanceInfo,
    LaneItem,
    OpenedItem,
    ReviewItem,
    SubmitReceipt,
    WaitingItem,
    Wire,
)
from contracts.errors import SampanError
from contracts.open_event import OpenEvent
from contracts.private import REVEAL
from services.client.http import Connection

SEALED: Final = "application/vnd.sampan.sealed"
M = TypeVar("M", bound=BaseModel)


class FieldLoss(Wire):
    """One field that a recipient's system cannot hold as it was written."""

    field: str
    loss: str  # widened, narrowed, dropped
    why: str = ""


class Losses(Wire):
    """``GET /v1/agencies/{slug}/losses``."""

    format: str
    losses: list[FieldLoss]


class CaseInfo(Wire):
    """``GET /v1/cases/{code or ref}``: the case's references as this viewer knows them."""

    case_ref: UUID
    case_code: str
    subject_refs: list[UUID]


class Api:
    """The server's endpoints, seen from an agency. Every method raises :class:`SampanError` in words."""

    def __init__(self, line: Connection) -> None:
        self.line = line

    def instance(self) -> InstanceInfo:
        return _read(InstanceInfo, self.line.get("/v1/instance"))

    def me(self) -> AgencyInfo:
        return _read(AgencyInfo, self.line.get("/v1/me"))

    def agencies(self) -> list[AgencyInfo]:
        return _read_list(AgencyInfo, self.line.get("/v1/agencies"))

    def losses(self, agency: str) -> Losses:
        return _read(Losses, self.line.get(f"/v1/agencies/{quote(agency, safe='')}/losses"))

    def submit(self, sealed: bytes) -> SubmitReceipt:
        """Hand over a sealed submission. The same bytes again get the same receipt."""
        return _read(SubmitReceipt, self.line.post_bytes("/v1/submissions", sealed, SEALED))

    def submit_assisted(self, event: OpenEvent) -> SubmitReceipt:
        """Hand over an event in clear, for the server to seal; recorded as assisted."""
        body = event.model_dump_json(exclude_none=True, by_alias=True, context=REVEAL).encode()
        return _read(
            SubmitReceipt, self.line.post_bytes("/v1/assisted/submissions", body, "application/json")
        )

    def inbox(self, after: int = 0, limit: int = 100) -> InboxPage:
        return _read(InboxPage, self.line.get("/v1/inbox", after=after, limit=limit))

    def whole_inbox(self, after: int = 0) -> list[InboxItem]:
        """All items after a cursor, page by page."""
        items: list[InboxItem] = []
        while True:
            page = self.inbox(after, 500)
            items += page.items
            if not page.more or page.next <= after:
                return items
            after = page.next

    def open(self, dispatch: UUID, groups: Sequence[str]) -> OpenedItem:
        """Open groups of a dispatch, all that are granted if none is named. Recorded before it happens."""
        return _read(
            OpenedItem,
            self.line.post(f"/v1/inbox/{dispatch}/open", {"groups": list(groups)}, repeatable=True),
        )

    def case(self, code: str) -> CaseInfo:
        return _read(CaseInfo, self.line.get(f"/v1/cases/{quote(code, safe='')}"))

    def timeline(self, code: str) -> CaseTimeline:
        return _read(CaseTimeline, self.line.get(f"/v1/cases/{quote(code, safe='')}/timeline"))

    def waiting(self) -> list[WaitingItem]:
        return _read_list(WaitingItem, self.line.get("/v1/waiting"))

    def reviews(self, all_of_them: bool = False) -> list[ReviewItem]:
        return _read_list(ReviewItem, self.line.get("/v1/reviews", all=str(all_of_them).lower()))

    def review(self, review: UUID) -> ReviewItem:
        return _read(ReviewItem, self.line.get(f"/v1/reviews/{review}"))

    def resolve(
        self, review: UUID, action: str, reason: str, second: str | None, limit: str | None = None
    ) -> ReviewItem:
        body = {"action": action, "reason": reason, "second": second}
        if limit is not None:  # an older server does not know the word
            body["limit"] = limit
        return _read(ReviewItem, self.line.post(f"/v1/reviews/{review}/resolve", body))

    def lanes(self) -> list[LaneItem]:
        return _read_list(LaneItem, self.line.get("/v1/lanes"))

    def dead_letters(self) -> list[DeadLetterCount]:
        return _read_list(DeadLetterCount, self.line.get("/v1/dead-letters"))

    def release_lane(self, lane: UUID) -> None:
        self.line.post(f"/v1/lanes/{lane}/release")

    def erasure(self, subject: UUID) -> ErasureTicket:
        """First step: what would be destroyed, and the word that confirms it. Destroys nothing."""
        return _read(ErasureTicket, self.line.post(f"/v1/subjects/{subject}/erasure"))

    def confirm_erasure(self, subject: UUID, confirm: str) -> bool:
        answer = self.line.post(
            f"/v1/subjects/{subject}/erasure/confirm", {"confirm": confirm}, repeatable=True
        )
        return isinstance(answer, dict) and answer.get("erased") is True


def _read(model: type[M], document: Any) -> M:
    try:
        return model.model_validate(document)
    except ValidationError:
        # The validation error would repeat the answer, values and all.
        raise SampanError(
            f"the server's {model.__name__} cannot be read by this version.",
            code="unreadable-answer",
            remedy="Client and server may be of different versions; see `sampan version`.",
        ) from None


def _read_list(model: type[M], document: Any) -> list[M]:
    if not isinstance(document, list):
        document = [document]
    return [_read(model, entry) for entry in document]

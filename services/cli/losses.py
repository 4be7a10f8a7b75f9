"""Telling a sender, at submit time, what the recipient's system cannot hold as it was written."""

from __future__ import annotations

from contracts.api import AgencyInfo
from contracts.errors import NotFound, SampanError
from contracts.open_event import OpenEvent
from services.cli.labels import field_label
from services.cli.session import Session
from services.client.api import FieldLoss, Losses
from services.client.rows import Row

_WORDS = {
    "dropped": "is left out",
    "narrowed": "is shortened or made coarser",
    "widened": "becomes more general",
}


class LossTeller:
    """Collects, over the rows of a document, the fields that named recipients cannot hold."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._agencies: list[AgencyInfo] | None = None
        self._losses: dict[str, Losses | None] = {}
        self._found: dict[tuple[str, str], FieldLoss] = {}
        self._names: dict[str, str] = {}
        self._asking = True

    def look_at(self, row: Row) -> None:
        """Note what the recipients that ``row`` names cannot hold. Never stops a row from being sent."""
        if not self._asking:
            return
        try:
            for event in row.events:
                for agency in self._recipients(event):
                    self._note(event, agency)
        except SampanError:
            self._asking = False  # whatever it is, sending says it; this is a courtesy

    def tell(self) -> list[dict[str, str]]:
        """Say what was found, once per recipient and field."""
        if self._found:
            self._session.screen.table(
                "What recipients' own systems cannot hold (it stays readable here, by `sampan open`)",
                ["recipient", "field", "", "why"],
                [
                    (self._names[agency], _label(field), _WORDS.get(loss.loss, loss.loss), loss.why)
                    for (agency, field), loss in sorted(self._found.items())
                ],
            )
        return [
            {"agency": agency, "field": field, "loss": loss.loss, "why": loss.why}
            for (agency, field), loss in sorted(self._found.items())
        ]

    def _recipients(self, event: OpenEvent) -> list[AgencyInfo]:
        addresses = set(event.to)
        if not addresses:
            return []
        if self._agencies is None:
            self._agencies = self._session.api.agencies()
        return [agency for agency in self._agencies if addresses & set(agency.roles)]

    def _note(self, event: OpenEvent, agency: AgencyInfo) -> None:
        if agency.agency not in self._losses:
            try:
                self._losses[agency.agency] = self._session.api.losses(agency.agency)
            except NotFound:
                self._losses[agency.agency] = None
        losses = self._losses[agency.agency]
        if losses is None:
            return
        written = _written(event)
        self._names[agency.agency] = agency.name
        for loss in losses.losses:
            if loss.field in written and loss.loss != "exact":
                self._found.setdefault((agency.agency, loss.field), loss)


def _written(event: OpenEvent) -> set[str]:
    """Paths of the group fields that an event fills: ``F1``, ``F1.given_name``; names only."""
    paths: set[str] = set()
    for subject in event.subjects:
        for group, content in subject.groups.items():
            paths.add(str(group))
            paths |= {
                f"{group}.{name}" for name in content.model_fields_set if getattr(content, name) is not None
            }
    return paths


def _label(path: str) -> str:
    group, dot, name = path.partition(".")
    return f"{field_label(name)} ({group})" if dot else group

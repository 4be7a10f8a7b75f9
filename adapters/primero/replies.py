"""What Primero's answers mean when they are not the one hoped for: codes and names of fields, never text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from adapters.exchange import NoReply, Reply, Verdict
from adapters.primero.codes import TASK_STATUS
from adapters.primero.losses import LOSSES

_FIELDS: Final = frozenset(loss.where for loss in LOSSES if loss.where) | {
    "transitioned_to",
    "transitioned_to_agency",
    "service",
    "consent_for_services",
    "disclosure_other_orgs",
    "consent_overridden",
    "module_id",
    "id",
    "type_of_export",
    "status",
}
_POINTER: Final = re.compile(r"[a-z_]+")


def data_of(reply: Reply) -> Mapping[str, Any]:
    """The record of an answer, empty where there is none."""
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    return data if isinstance(data, dict) else {}


def status_of(row: Mapping[str, Any]) -> str | None:
    """A referral's status as FHIR Task.status, None where Primero says something we do not know."""
    return TASK_STATUS.get(str(row.get("status")))


def failure(reply: Reply | NoReply, *, repeatable: bool) -> Verdict:
    """Judge an answer that is not the hoped-for one.

    Args:
        repeatable: whether the call may run twice (reads, keyed creations, idempotent updates).
    """
    if isinstance(reply, NoReply):
        return Verdict("later" if repeatable or not reply.sent else "unknown", reply.code)
    status = reply.status
    if status in (429, 503):
        return Verdict("later", "primero-busy", retry_after_seconds=reply.retry_after_seconds)
    if status in (401, 403):
        return Verdict(
            "later", "primero-credentials", remedy="Check the service user, its password and its role."
        )
    if status == 404:
        return Verdict(
            "refused", "primero-not-found", remedy="The service user may not see this record; check its role."
        )
    if status in (400, 409, 422):
        return Verdict(
            "refused",
            "primero-refused",
            field=_field(reply),
            remedy="Check the deployment's lookups and required fields against Primero.",
        )
    if status >= 500:
        return Verdict("later" if repeatable else "unknown", "primero-error")
    return Verdict("later" if repeatable else "unknown", "primero-unexpected-answer")


def _field(reply: Reply) -> str | None:
    """The field that Primero points at, if it is one that we send: its texts may repeat what was sent."""
    errors = reply.json.get("errors") if isinstance(reply.json, dict) else None
    for error in errors if isinstance(errors, list) else []:
        detail = error.get("detail") if isinstance(error, dict) else None
        for pointer in detail if isinstance(detail, list) else [detail]:
            names: list[str] = _POINTER.findall(str(pointer))
            if named := next((name for name in reversed(names) if name in _FIELDS), None):
                return named
    return None

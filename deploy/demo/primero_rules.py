"""How Primero v2 answers, as far as a referral partner meets it. State and rules alone, no socket.

Written from a fact sheet that cites Primero's source; nothing of Primero's code is here.
Kept on purpose: it drops unknown fields without a word, and a move that it does not allow changes nothing and
answers with success.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

UUID_RULE: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
PER_DEFAULT: Final = 20
PER_MAX: Final = 1000

_TEXT, _BOOL, _DATE, _INT, _LIST = "text", "bool", "date", "int", "list"

CASE_FIELDS: Final[Mapping[str, str]] = {
    "name_first": _TEXT,
    "name_middle": _TEXT,
    "name_last": _TEXT,
    "name_other": _TEXT,
    "sex": _TEXT,
    "date_of_birth": _DATE,
    "age": _INT,
    "estimated": _BOOL,
    "nationality": _LIST,
    "protection_concerns": _LIST,
    "risk_level": _TEXT,
    "address_current": _TEXT,
    "telephone_current": _TEXT,
    "consent_for_services": _BOOL,
    "disclosure_other_orgs": _BOOL,
    "module_id": _TEXT,
    "status": _TEXT,
    "owned_by": _TEXT,
    "mark_synced": _BOOL,
    "mark_synced_url": _TEXT,
    "mark_synced_status": _TEXT,
}

OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "sex": frozenset({"male", "female"}),
    "risk_level": frozenset({"high", "medium", "low"}),
    "module_id": frozenset({"primeromodule-cp", "primeromodule-gbv"}),
    "nationality": frozenset(
        {
            "thailand",
            "laos",
            "cambodia",
            "myanmar",
            "vietnam",
            "malaysia",
            "singapore",
            "indonesia",
            "philippines",
            "china",
        }
    ),
    "protection_concerns": frozenset(
        {
            "trafficked_smuggled",
            "sexually_exploited",
            "worst_forms_of_child_labor",
            "migrant",
            "statelessness",
            "gbv_survivor",
        }
    ),
}

REFERRAL_FIELDS: Final = frozenset(
    {
        "transitioned_to",
        "transitioned_to_remote",
        "transitioned_to_agency",
        "service",
        "service_record_id",
        "remote",
        "type_of_export",
        "notes",
        "consent_overridden",
        "authorized_role_unique_id",
        "allow_case_creation",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON body; None is an empty body."""

    status: int
    body: Any = None


@dataclass(frozen=True, slots=True)
class Effect:
    """One change that really happened, for a checker: what, on which case and referral, by whom.

    ``marker`` is the first line of a referral's notes.
    """

    what: str  # case_created, case_updated, referral_created, referral_revoked, referral_accepted …
    case: str
    referral: str | None = None
    marker: str | None = None
    user: str = ""


@dataclass(slots=True)
class Primero:
    """One deployment's records.

    Args:
        now: the time for ``created_at``.
        new_id: ids for what the server names itself.
        users: who a case can be referred to.
        unwritable: case fields that the service user's role may not write; dropped in silence.
    """

    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    users: frozenset[str]
    unwritable: frozenset[str] = frozenset()
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    referrals: dict[str, dict[str, Any]] = field(default_factory=dict)
    journal: list[Effect] = field(default_factory=list)

    def handle(self, user: str, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        """Answer one authenticated request."""
        parts = path.strip("/").split("/")
        if parts[:3] != ["api", "v2", "cases"] or len(parts) > 6:
            return _error(404, path, "Not Found")
        match parts[3:], method:
            case [], "POST":
                return self._create_case(user, path, _data(body))
            case [], "GET":
                return self._page(path, list(self.cases.values()), query)
            case [case], "GET" | "PATCH" if case in self.cases:
                return self._case(user, method, path, case, _data(body))
            case [case, "referrals"], "GET" if case in self.cases:
                rows = [self._shown(r) for r in self.referrals.values() if r["record_id"] == case]
                return self._page(path, rows, query)
            case [case, "referrals"], "POST" if case in self.cases:
                return self._refer(user, path, case, _data(body))
            case [case, "referrals", referral], "PATCH" | "DELETE" if self._belongs(referral, case):
                wanted = "revoked" if method == "DELETE" else (_data(body) or {}).get("status")
                return self._move(user, self.referrals[referral], wanted, _data(body) or {})
            case _:
                return _error(404, path, "Not Found")

    def _belongs(self, referral: str, case: str) -> bool:
        return referral in self.referrals and self.referrals[referral]["record_id"] == case

    def _create_case(self, user: str, path: str, data: Any) -> Answer:
        if not isinstance(data, dict):
            return _error(400, path, "param is missing or the value is empty: data")
        given = data.get("id")
        if given is not None and not (isinstance(given, str) and UUID_RULE.fullmatch(given)):
            return _error(422, path, "Invalid Record JSON", ["/id"])
        if given in self.cases:
            return _error(409, path, "Conflict")
        if wrong := _wrong_fields(data):
            return _error(422, path, "Invalid Record JSON", wrong)
        key = given or str(self.new_id())
        stamp = _stamp(self.now())
        case: dict[str, Any] = {
            "id": key,
            "case_id": str(self.new_id()),
            "created_at": stamp,
            "last_updated_at": stamp,
            "enabled": True,
        }
        case["case_id_display"] = case["case_id"][-7:]
        self.cases[key] = case | {"owned_by": user} | self._writable(data)
        self.journal.append(Effect("case_created", key, user=user))
        return Answer(204) if given else Answer(200, {"data": dict(self.cases[key])})

    def _writable(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            k: v for k, v in data.items() if k in CASE_FIELDS and k not in self.unwritable and v is not None
        }

    def _case(self, user: str, method: str, path: str, key: str, data: Any) -> Answer:
        case = self.cases[key]
        if method == "PATCH":
            if not isinstance(data, dict):
                return _error(400, path, "param is missing or the value is empty: data")
            if wrong := _wrong_fields(data):
                return _error(422, path, "Invalid Record JSON", wrong)
            case.update({**self._writable(data), "last_updated_at": _stamp(self.now())})
            self.journal.append(Effect("case_updated", key, user=user))
        return Answer(200, {"data": dict(case)})

    def _page(self, path: str, rows: list[dict[str, Any]], query: Mapping[str, str]) -> Answer:
        per = min(_positive(query.get("per"), PER_DEFAULT), PER_MAX)
        page = _positive(query.get("page"), 1)
        shown = rows[(page - 1) * per : page * per]
        return Answer(200, {"data": shown, "metadata": {"total": len(rows), "per": per, "page": page}})

    def _refer(self, user: str, path: str, key: str, data: Any) -> Answer:
        if not isinstance(data, dict):
            return _error(400, path, "param is missing or the value is empty: data")
        given = {name: value for name, value in data.items() if name in REFERRAL_FIELDS and value is not None}
        if not given.get("remote") and given.get("transitioned_to") not in self.users:
            return _error(422, path, "transition.errors.to_user_can_receive", ["transitioned_to"])
        if not (_consented(self.cases[key]) or given.get("consent_overridden") is True):
            return _error(422, path, "transition.errors.consent", ["consent"])
        referral = {
            "id": str(self.new_id()),
            "type": "Referral",
            "record_id": key,
            "record_type": "case",
            "status": "in_progress",
            "transitioned_by": user,
            "created_at": _stamp(self.now()),
            **given,
        }
        self.referrals[referral["id"]] = referral
        self._note("referral_created", referral, user)
        return Answer(200, {"data": self._shown(referral)})

    def _move(self, user: str, referral: dict[str, Any], wanted: object, data: Mapping[str, Any]) -> Answer:
        allowed = {
            "accepted": ("in_progress",),
            "rejected": ("in_progress",),
            "done": ("accepted",),
            "revoked": ("in_progress", "accepted"),
        }
        if referral["status"] in allowed.get(str(wanted), ()):
            referral["status"] = wanted
            referral["responded_at"] = _stamp(self.now())
            if wanted == "rejected":
                referral["rejected_reason"] = data.get("rejected_reason")
            if wanted == "done":
                referral["rejection_note"] = data.get("rejection_note")
            self._note(f"referral_{wanted}", referral, user)
        return Answer(200, {"data": self._shown(referral)})

    def _note(self, what: str, referral: Mapping[str, Any], user: str) -> None:
        marker = str(referral.get("notes", "")).split("\n", 1)[0]
        self.journal.append(Effect(what, referral["record_id"], referral["id"], marker, user))

    def _shown(self, referral: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: value for name, value in referral.items() if value is not None}
        return shown | {
            "record_access_denied": False,
            "user_can_accept_or_reject": referral["status"] == "in_progress",
        }


def _data(body: Any) -> Any:
    return body.get("data") if isinstance(body, dict) else None


def _consented(case: Mapping[str, Any]) -> bool:
    services = case.get("consent_for_services") is True
    gbv = case.get("module_id") == "primeromodule-gbv"
    return services and (gbv or case.get("disclosure_other_orgs") is True)


def _wrong_fields(data: Mapping[str, Any]) -> list[str]:
    """JSON pointers to values of a wrong type or outside a list; unknown fields are not looked at."""
    return [f"/{name}" for name, kind in CASE_FIELDS.items() if data.get(name) is not None
            and not _fits(name, kind, data[name])]  # fmt: skip


def _fits(name: str, kind: str, value: Any) -> bool:
    options = OPTIONS.get(name)
    if kind == _LIST:
        return isinstance(value, list) and all(
            isinstance(v, str) and (options is None or v in options) for v in value
        )
    if kind == _BOOL:
        return isinstance(value, bool)
    if kind == _INT:
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if kind == _DATE:
        try:
            return date.fromisoformat(value).isoformat() == value
        except ValueError:
            return False
    return options is None or value in options


def _positive(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else default


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _error(status: int, resource: str, message: str, detail: list[str] | None = None) -> Answer:
    error: dict[str, Any] = {"status": status, "resource": resource, "message": message}
    if detail:
        error["detail"] = detail
    return Answer(status, {"errors": [error]})

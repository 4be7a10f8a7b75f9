"""Expectations of a scenario file: every kind and every key of the format."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from contracts.groups import ITEMS
from contracts.open_event import ANSWER_EVENTS
from contracts.roles import Group, Priority, Purpose
from services.scenario.errors import ScenarioError, nearest
from services.scenario.fields import Fields
from services.scenario.model import Expectation, Person
from services.scenario.moments import later
from services.scenario.nodes import Node

KINDS: Final[dict[str, tuple[str, ...]]] = {
    "told": (
        "who",
        "event",
        "person",
        "exactly",
        "with",
        "without",
        "items",
        "purpose",
        "priority",
        "via",
        "before",
        "within",
    ),
    "not_told": ("who", "event", "person", "groups", "until"),
    "held": ("who", "event", "asks"),
    "denied": ("who", "event", "asks"),
    "review": ("desk", "options", "asks"),
    "due": ("event", "answer", "owner", "within", "every", "warn"),
    "fired": ("event", "of", "who"),
    "note": ("who", "code", "person", "groups"),
    "state": ("of", "for", "is", "except_for", "groups", "facts"),
    "same": ("for", "as"),
    "rules": ("fired", "not_fired"),
}
STATES: Final = (
    "open",
    "closed",
    "held",
    "released",
    "stopped",
    "accepted",
    "accepted_reported",
    "declined",
    "met",
    "missed",
    "frozen",
    "unlinked",
    "erased",
    "recall_unanswered",
    "recall_stopped",
    "recall_deleted",
    "recall_impossible",
)
FIRED: Final = ("DeadlineMissed", "DeadlineWarned", "FollowUpMissed", "Reminded", "Escalated")
_ADDRESSES: Final = ("who", "owner", "before", "for", "except_for", "desk")
_WORDS: Final = ("event", "person", "via", "asks", "options", "code", "of", "as", "until")
_GROUPS: Final = ("exactly", "with", "without", "groups")
_RULES: Final = ("rules", "fired", "not_fired")
_SINGLE: Final = (
    "purpose",
    "priority",
    "via",
    "before",
    "code",
    "answer",
    "is",
    "desk",
    "owner",
    "every",
    "until",
    "as",
)
_NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "told": ("who",),
    "not_told": ("who",),
    "due": ("event", "answer"),
    "fired": ("event",),
    "note": ("code", "who"),
    "state": ("of",),
    "same": ("for",),
    "rules": ("fired", "not_fired"),
    "held": ("who", "event"),
    "denied": ("who", "event"),
}


def read_expectations(
    node: Node | None, file: str, start: datetime, people: dict[str, Person]
) -> tuple[Expectation, ...]:
    """A list of expectations; an item that names two kinds becomes two.

    Raises:
        ScenarioError: an unknown kind, key or value, naming the nearest known one.
    """
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, list):
        raise ScenarioError(
            "expectations must be a list.",
            file=file,
            line=node.line,
            remedy="Begin each with a dash: '- told: {who: SHA@TH}'.",
        )
    found: list[Expectation] = []
    for item in node.value:
        entry = Fields(item, file=file, what="an expectation", known=tuple(KINDS))
        found += [_one(kind, body, file, start, people) for kind, body in entry.node.value.items()]
    return tuple(found)


def _one(kind: str, node: Node, file: str, start: datetime, people: dict[str, Person]) -> Expectation:
    known = KINDS[kind] if kind == "rules" else (*KINDS[kind], "rules")
    fields = Fields(node, file=file, what=f"'{kind}'", known=known)
    needed = _NEEDS.get(kind, ())
    if needed and not any(_says_something(fields.node_of(key)) for key in needed):
        raise fields.error(f"'{kind}' needs {' or '.join(needed)}.", node, remedy="Empty, it could never fail.")
    if kind == "state" and not any(key in fields for key in ("is", "facts")):
        raise fields.error("'state' needs is or facts.", node, remedy="Say how it stands: {of: bed, is: met}.")
    keys: dict[str, Any] = {}
    for key, child in node.value.items():
        keys[key] = _value(kind, key, child, fields, start, people)
    return Expectation(kind=kind, keys=keys, written={kind: node.plain()}, line=node.line)


def _says_something(node: Node | None) -> bool:
    return node is not None and node.value not in (None, [], {})


def _value(
    kind: str, key: str, node: Node, fields: Fields, start: datetime, people: dict[str, Person]
) -> Any:
    if key == "facts":
        return node.plain()
    if key == "warn":
        return tuple(_warning(item, fields, start) for item in fields.items(node))
    if kind in ("told", "due") and key in ("within", "every"):
        return _durations(key, node, fields, start)
    value = _words(kind, key, node, fields, people)
    return value[0] if key in _SINGLE and len(value) == 1 else value


def _words(kind: str, key: str, node: Node, fields: Fields, people: Collection[str]) -> tuple[str, ...]:
    if kind == "rules" or key == "rules":
        return tuple(_rule(item, fields) for item in fields.items(node))
    if key in _ADDRESSES:
        also = {"for": ("all",), "desk": ("operator",)}.get(key, ())
        return fields.addresses(key, also) or ()
    allowed: Collection[str] | None = None
    if key in _GROUPS:
        allowed = tuple(Group)
    elif key == "purpose":
        allowed = tuple(Purpose)
    elif key == "priority":
        allowed = tuple(Priority)
    elif key == "items":
        allowed = ITEMS
    elif key == "is":
        allowed = STATES
    elif key == "answer":
        allowed = (*ANSWER_EVENTS, "decide")
    elif key == "person":
        allowed = people
    elif kind == "fired" and key == "event":
        allowed = FIRED
    return fields.texts(key, allowed) or ()


def _rule(node: Node, fields: Fields) -> str:
    word = fields.word(node, "rules")
    if not re.fullmatch(r"R\d{2,3}", word):
        raise fields.error(f"'{word}' is no rule id.", node, remedy="Write the rule's id, such as R21.")
    return word


def _durations(key: str, node: Node, fields: Fields, start: datetime) -> tuple[str, ...]:
    def check(text: str) -> str:
        later(start, text)
        return text

    return tuple(
        fields.read(item, key, check, "Write 24h, 15d, 3wd, 3mo or 1y.") for item in fields.items(node)
    )


def _warning(node: Node, fields: Fields, start: datetime) -> dict[str, str]:
    inner = Fields(node, file=fields.file, what="'warn'", known=("at", "who"))
    at = inner.require("at", "Say when: {at: 12d}.")
    found = {"at": _durations("at", at, inner, start)[0]}
    who = inner.address("who")
    return {**found, "who": who} if who else found


def check_references(
    expectations: tuple[Expectation, ...],
    file: str,
    steps: Collection[str],
    people: Collection[str],
    variants: Collection[str],
) -> None:
    """Steps, people and variants that expectations name must be there.

    Raises:
        ScenarioError: one is not, naming the nearest.
    """
    for one in expectations:
        targets = {"until": steps, "as": variants}
        if one.kind in ("state", "fired"):
            targets["of"] = (*steps, *people)
        for key, known in targets.items():
            value = one.keys.get(key, ())
            for name in (value,) if isinstance(value, str) else value:
                if name not in known:
                    near = f"; the nearest is '{nearest(name, known)}'" if known else ""
                    raise ScenarioError(
                        f"'{key}' of '{one.kind}' names '{name}', which is not in the file{near}.",
                        file=file,
                        line=one.line,
                        remedy="Correct the name, or add what is missing.",
                    )

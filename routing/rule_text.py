"""Reads rule files. Refuses, with file, line and mend, whatever could silently never match or match too much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from contracts.decision import RuleRef
from contracts.durations import parse_duration
from contracts.errors import InvalidInput
from contracts.events import EVENTS
from contracts.roles import Basis, Group, Priority, Purpose
from contracts.yaml_text import LocatedDict, load_yaml
from routing.conditions import read_condition
from routing.examples import read_examples
from routing.rule import EFFECT_FIELDS, MARKS, Effect, Need, Rule, Signature
from routing.targets import check_target

_RULE_KEYS = {"id", "title", "cite", "mark", "when", "then", "valid_from", "valid_to", "recorded_at", "review_on",
              "confirmed", "examples", "signed_by", "signed_on", "remark",
              "language"}  # fmt: skip
_ALWAYS_ALLOWED = {"when", "on"}


def read_rules(texts: Mapping[str, str]) -> tuple[Rule, ...]:
    """Read all rule files: name → text. A file is ``{defaults: {…}, rules: [...]}``.

    Raises:
        InvalidInput: ``bad-rule`` with ``file:line`` and what to mend.
    """
    rules: list[Rule] = []
    for file, text in sorted(texts.items()):
        top = load_yaml(text, file)
        if not isinstance(top, LocatedDict) or "rules" not in top:
            raise InvalidInput("a rule file needs rules", code="bad-rule", field=f"{file}:1",
                               remedy="Write rules: and a list below it.")  # fmt: skip
        rules += [_rule(row, top.get("defaults") or {}) for row in top["rules"]]
    _no_two_at_once(rules)
    return tuple(sorted(rules, key=lambda rule: (rule.id, rule.valid_from)))


def _rule(row: LocatedDict, defaults: Mapping[str, Any]) -> Rule:
    _only(row, _RULE_KEYS)
    for key in ("id", "title", "cite", "mark", "then"):
        if not row.get(key):
            raise refusal(row, None, f"a rule without {key}", f"Add {key}: every rule says what it is and whence.")
    if not set(row["mark"].split("/")) <= set(MARKS):
        raise refusal(row, "mark", "not a confidence mark", "Use S, R, P or A, or two of them as in S/A.")
    value = {**defaults, **row}
    valid_from = _day(row, value, "valid_from")
    recorded_at = _day(row, value, "recorded_at")
    if valid_from is None or recorded_at is None:
        raise refusal(row, "valid_from", "a rule without dates", "Add valid_from and recorded_at.")
    return Rule(
        id=row["id"],
        title=row["title"],
        cite=row["cite"],
        mark=row["mark"],
        valid_from=valid_from,
        valid_to=_day(row, value, "valid_to"),
        recorded_at=recorded_at,
        review_on=_day(row, value, "review_on"),
        when=read_condition(row.get("when")),
        effects=tuple(_effect(row, written) for written in row["then"]),
        where=row.where(),
        ref=RuleRef(row["id"], valid_from.isoformat()),
        confirmed=_yes_or_no(row, "confirmed", default=True),
        examples=read_examples(row.get("examples"), row),
        signed=_signature(row),
        remark=str(row.get("remark") or ""),
        language=str(row.get("language") or ""),
    )


def _effect(rule: LocatedDict, written: LocatedDict) -> Effect:
    kinds = [key for key in written if key not in _ALWAYS_ALLOWED]
    if len(kinds) != 1 or kinds[0] not in EFFECT_FIELDS:
        word = kinds[0] if kinds else ""
        close = get_close_matches(word, EFFECT_FIELDS, n=1, cutoff=0.0)
        raise refusal(written, word or None, f"{word or 'this'} is not an effect", f"Did you mean {close[0]}?")
    kind = kinds[0]
    body = written[kind] if isinstance(written[kind], LocatedDict) else LocatedDict(written.file, written.line)
    _only(body, set(EFFECT_FIELDS[kind]))
    return Effect(
        kind=kind,
        when=read_condition(written.get("when")),
        on=_events(written, "on") if "on" in written else None,
        where=written.where(kind),
        **_fields(body),
    )


def _fields(body: LocatedDict) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in body.items():
        name, read = _READERS[key]
        made[name] = read(body, key, value)
    return made


def _targets(body: LocatedDict, key: str, value: Any) -> tuple[str, ...]:
    targets = tuple(value if isinstance(value, list) else [value])
    for target in targets:
        problem = check_target(target)
        if problem:
            raise refusal(body, key, problem, "Write ROLE@{found_in}, any@{origin}, CON.{origin}@*, owner …")
    return targets


def _target(body: LocatedDict, key: str, value: Any) -> str:
    return _targets(body, key, value)[0]


def _events(body: LocatedDict, key: str, value: Any = None) -> frozenset[str]:
    names = body[key] if isinstance(body[key], list) else [body[key]]
    for name in names:
        if name not in EVENTS:
            close = get_close_matches(str(name), EVENTS, n=1, cutoff=0.4)
            raise refusal(body, key, f"{name} is not an event", f"Did you mean {close[0]}?" if close else
                          "The events stand in contracts/events.yaml.")  # fmt: skip
    return frozenset(names)


def _ordered_events(body: LocatedDict, key: str, value: Any) -> tuple[str, ...]:
    return tuple(sorted(_events(body, key)))


def _members(kind: type[StrEnum]) -> Any:
    def read(body: LocatedDict, key: str, value: Any) -> frozenset[str]:
        return frozenset(_member(kind)(body, key, item) for item in (value if isinstance(value, list) else [value]))

    return read


def _member(kind: type[StrEnum]) -> Any:
    known = [str(one) for one in kind]

    def read(body: LocatedDict, key: str, value: Any) -> str:
        if value not in known:
            close = get_close_matches(str(value), known, n=1, cutoff=0.0)
            raise refusal(body, key, f"{value} is not known here", f"Did you mean {close[0]}?")
        return str(value)

    return read


def _needs(body: LocatedDict, key: str, value: Any) -> tuple[Need, ...]:
    for need in value:
        _only(need, {"asks", "when"})
    return tuple(Need(str(need["asks"]), read_condition(need["when"])) for need in value)


def _duration(body: LocatedDict, key: str, value: Any) -> str:
    parse_duration(str(value), body.where(key))
    return str(value)


def _durations(body: LocatedDict, key: str, value: Any) -> tuple[str, ...]:
    return tuple(_duration(body, key, item) for item in (value if isinstance(value, list) else [value]))


def _warn(body: LocatedDict, key: str, value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((_duration(row, "at", row["at"]), _target(row, "who", row.get("who", "owner"))) for row in value)


def _text(body: LocatedDict, key: str, value: Any) -> str:
    return str(value)


def _texts(body: LocatedDict, key: str, value: Any) -> tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]))


def _as_is(body: LocatedDict, key: str, value: Any) -> Any:
    return value


_READERS: dict[str, tuple[str, Any]] = {
    "to": ("to", _targets), "except": ("except_to", _targets), "tell": ("tell", _targets),
    "owner": ("owner", _target), "desk": ("review", _target), "review": ("review", _target),
    "purpose": ("purpose", _member(Purpose)), "purposes": ("purposes", _members(Purpose)),
    "basis": ("basis", _member(Basis)), "bases": ("bases", _members(Basis)),
    "priority": ("priority", _member(Priority)), "groups": ("groups", _members(Group)),
    "awaits": ("awaits", _ordered_events), "within": ("within", _durations), "every": ("every", _duration),
    "answer_within": ("answer_within", _duration), "answer_until": ("answer_until", _text),
    "until": ("until", _text), "warn": ("warn", _warn), "missed": ("missed", _text),
    "review_after": ("review_after", _as_is),
    "asks": ("asks", _texts), "options": ("options", _texts), "unless": ("needs", _needs),
    "order": ("order", _as_is), "over": ("over", _as_is), "event": ("event", _as_is),
    "fresh_consent": ("fresh_consent", _as_is),
    "second": ("second", _as_is), "with_route": ("with_route", _as_is), "named": ("named", _as_is),
    "within_border": ("within_border", _as_is), "code": ("code", _text), "person": ("person", _text),
    "as": ("code", _text), "why": ("code", _text),
}  # fmt: skip


def _day(at: LocatedDict, row: Mapping[str, Any], key: str) -> date | None:
    value = row.get(key)
    if value is not None and not isinstance(value, date):
        raise refusal(at, key, "not a day", f"Write {key}: 2026-04-01.")
    return value


def _signature(row: LocatedDict) -> Signature | None:
    by, on = row.get("signed_by"), _day(row, row, "signed_on")
    if (by is None) != (on is None):
        raise refusal(row, "signed_by", "half a signature", "Write both signed_by: a name, and signed_on: a day.")
    return Signature(str(by), on) if by is not None and on is not None else None


def _yes_or_no(row: LocatedDict, key: str, *, default: bool) -> bool:
    value = row.get(key, default)
    if not isinstance(value, bool):
        raise refusal(row, key, "neither true nor false", f"Write {key}: true or {key}: false.")
    return value


def _only(row: LocatedDict, known: set[str]) -> None:
    for key in row:
        if key not in known:
            close = get_close_matches(key, known, n=1, cutoff=0.0)
            raise refusal(row, key, f"unknown key {key}", f"Did you mean {close[0]}?")


def _no_two_at_once(rules: list[Rule]) -> None:
    for index, rule in enumerate(rules):
        for other in rules[index + 1 :]:
            if rule.id == other.id and _overlap(rule, other):
                raise InvalidInput(f"two versions of {rule.id} hold on one day", code="bad-rule", field=other.where,
                                   remedy=f"End the one at {rule.where} with valid_to.")  # fmt: skip


def _overlap(a: Rule, b: Rule) -> bool:
    return (a.valid_to is None or b.valid_from < a.valid_to) and (b.valid_to is None or a.valid_from < b.valid_to)


def refusal(at: LocatedDict, key: str | None, message: str, remedy: str) -> InvalidInput:
    """A refusal that names the place in the file."""
    return InvalidInput(message, code="bad-rule", field=at.where(key), remedy=remedy)

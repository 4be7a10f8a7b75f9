"""Which rules a named counsel signed, and what a rule that nobody signed may still do (ADR 0170).

A signature is bound to a hash of what the rule says, so that what was signed is what serves. In ``signatures.yaml``,
beside the rules:

    signatures:
    - {rule: R21, valid_from: 2020-01-01, counsel: "Somchai Invented", on: 2026-11-20, hash: 3f…}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from typing import Any, Final

from contracts.errors import InvalidInput
from contracts.roles import Basis
from contracts.yaml_text import LocatedDict, load_yaml
from routing.rule import Effect, Rule, Signature

SIGNATURES_FILE: Final = "signatures.yaml"
TELLS: Final = frozenset({"route", "grant", "basis"})
"""Effects by which somebody is told, or told more."""
_BASES: Final = frozenset(str(basis) for basis in Basis) - {str(Basis.CONSENT)}
_ASKED_WITHIN: Final = "72h"  # as a routine referral is to be acknowledged

_NOT_SIGNED: Final = frozenset({"where", "ref", "examples", "signed", "remark", "review_on", "valid_to"})
_KEYS: Final = frozenset({"rule", "valid_from", "counsel", "on", "hash", "until"})
_ASKED_INSTEAD: Final = ("name_recipient", "close")


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature: who signed which version of which rule, its hash, and to which end the rule was signed."""

    rule: str
    valid_from: date
    counsel: str
    on: date
    hash: str
    until: date | None = None

    def covers(self, rule: Rule) -> bool:
        """Whether it was given for exactly what this rule says. A rule may end earlier than was signed, not later."""
        ends_in_time = self.until is None or (rule.valid_to is not None and rule.valid_to <= self.until)
        return ends_in_time and (self.rule, self.valid_from) == (rule.id, rule.valid_from) and (
            self.hash == fingerprint(rule)
        )  # fmt: skip


def fingerprint(rule: Rule) -> str:
    """SHA-256 (hex) over what a rule says: title, source, mark, dates, condition, effects; not where it stands.

    Its end is not in it (:meth:`Signed.covers` weighs that), nor examples, remark and review date, which decide
    nothing. What is left at its default is left out, so that a field that rules gain later voids no signature.
    """
    said = {f.name: _plain(getattr(rule, f.name)) for f in fields(rule) if f.name not in _NOT_SIGNED}
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {
            f.name: _plain(getattr(value, f.name)) for f in fields(value)
            if f.name not in _NOT_SIGNED and getattr(value, f.name) != f.default
        }  # fmt: skip
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def read_signatures(text: str, file: str = SIGNATURES_FILE) -> tuple[Signed, ...]:
    """Read ``signatures.yaml``.

    Raises:
        InvalidInput: ``bad-signature``; ``file:line`` and what to mend.
    """
    top = load_yaml(text, file) if text.strip() else None
    if top is None:
        return ()
    if not isinstance(top, LocatedDict) or set(top) != {"signatures"}:
        raise InvalidInput("a file of signatures needs signatures", code="bad-signature", field=f"{file}:1",
                           remedy="Write signatures: and a list below it.")  # fmt: skip
    return tuple(_signed(row, file) for row in top["signatures"] or ())


def _signed(row: Any, file: str) -> Signed:
    if not isinstance(row, LocatedDict):
        raise InvalidInput("a signature is not a mapping", code="bad-signature", field=f"{file}:1",
                           remedy="Let `sampan rules sign` write it.")  # fmt: skip
    missing = sorted(_KEYS - {"until"} - set(row)) or sorted(set(row) - _KEYS)
    whole = not missing and all(isinstance(row[key], date) for key in ("valid_from", "on")) and (
        isinstance(row.get("until"), date | None) and bool(str(row["counsel"]).strip())
    )  # fmt: skip
    if not whole:
        what = f"{missing[0]} is missing or unknown" if missing else "a day or the counsel's name is not readable"
        raise InvalidInput(f"not a signature: {what}", code="bad-signature", field=row.where(),
                           remedy="Let `sampan rules sign` write it.")  # fmt: skip
    return Signed(
        str(row["rule"]), row["valid_from"], str(row["counsel"]), row["on"], str(row["hash"]), row.get("until")
    )


def with_signatures(rules: Iterable[Rule], signatures: Iterable[Signed]) -> tuple[Rule, ...]:
    """The rules, each with the signature that covers it. One given for an earlier wording covers nothing."""
    by_hash: dict[str, list[Signed]] = {}
    for one in signatures:
        by_hash.setdefault(one.hash, []).append(one)
    made = []
    for rule in rules:
        found = [one for one in by_hash.get(fingerprint(rule), ()) if one.covers(rule)] if by_hash else []
        signed = Signature(found[-1].counsel, found[-1].on, of=found[-1].hash) if found else rule.signed
        made.append(replace(rule, signed=signed))
    return tuple(made)


def needs_counsel(rule: Rule) -> bool:
    """Whether it rests on an assumption in part (its mark has an A) and no named counsel signed what it says."""
    return "A" in rule.mark.split("/") and not (rule.signed and rule.signed.of)


def unsigned(rules: Iterable[Rule], day: date) -> tuple[Rule, ...]:
    """The rules that wait for counsel, those that ended before that day left out."""
    return tuple(
        rule for rule in rules
        if needs_counsel(rule) and rule.confirmed and (rule.valid_to is None or day < rule.valid_to)
    )  # fmt: skip


def silenced(rule: Rule) -> Rule:
    """What of a rule serves a live instance: of an unsigned one, everything but what tells or destroys.

    A route becomes a question to the case's owner, so that nobody is forgotten; a grant or basis does nothing; nothing
    is erased, which no later signature could undo. Whoever the route or basis means waits for a person: without it
    another reason, which it would have outweighed, might tell them more. Effects keep their places, by which an
    instance remembers what it carried out already; what makes them wait comes behind.
    """
    if not needs_counsel(rule):
        return rule
    waits = tuple(_waits(e) for e in rule.effects if e.kind in ("route", "basis"))
    return replace(rule, effects=(*(_mute(e) for e in rule.effects), *waits))


def _mute(effect: Effect) -> Effect:
    if effect.kind == "route":
        return Effect(
            "review", effect.when, effect.on, to=effect.to, review="owner", options=_ASKED_INSTEAD,
            within=(_ASKED_WITHIN,), where=effect.where,
        )  # fmt: skip
    if effect.kind == "deadline" and effect.missed == "erase":
        return replace(effect, missed="miss")
    if effect.kind in TELLS or effect.kind == "erase":
        return Effect("cite", effect.when, effect.on, code="waits for counsel's signature", where=effect.where)
    return effect


def _waits(effect: Effect) -> Effect:
    """Holds whoever it means, on whatever other basis (a basis: on another than her consent), until a person says."""
    bases = _BASES if effect.kind == "basis" else frozenset[str]()
    return Effect(
        "hold", effect.when, effect.on, to=effect.to or ("*",), bases=bases, review="owner", asks=("review",),
        where=effect.where,
    )  # fmt: skip

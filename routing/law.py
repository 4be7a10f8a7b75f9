"""The law in force: compiled rules by date, the directory, the purposes. Immutable, hashed, passed as an argument."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from importlib import resources
from typing import Any, Final

from contracts.decision import RuleRef
from routing.absent import Absent, read_absent
from routing.compiled import RuleSet
from routing.conditions import holds
from routing.directory import Directory
from routing.memo import Memo
from routing.purposes import PURPOSES, Purposes
from routing.recipients import ADDRESSES_KEPT, Recipients, recipients
from routing.rule import Rule
from routing.rule_checks import check_equal_offers
from routing.rule_text import read_rules
from routing.seen import VIEWS_KEPT, Likeness, Seen, ViewKey, likeness
from routing.signing import SIGNATURES_FILE, read_signatures, silenced, unsigned, with_signatures
from routing.view import View

ENGINE_VERSION = "5"
"""Raised whenever the engine could decide otherwise on the same input; receipts pin it."""

ABSENT_FILE = "absent.yaml"
PLANS_KEPT: Final = 4096
"""Plans (:mod:`routing.plans`) a law remembers: a few kilobytes each."""


@dataclass(frozen=True, slots=True)
class Law:
    """What decisions are made by. ``rule_set_hash`` covers the rule files' text, byte for byte."""

    rules: tuple[Rule, ...]
    absent: tuple[Absent, ...]
    directory: Directory
    purposes: Purposes
    rule_set_hash: str
    directory_hash: str
    _sets: tuple[tuple[date, RuleSet], ...]
    plans: Memo[Hashable, Any] = field(
        default_factory=lambda: Memo(PLANS_KEPT), init=False, repr=False, compare=False
    )
    _meant: Memo[tuple[int, str], Recipients] = field(
        default_factory=lambda: Memo(ADDRESSES_KEPT), init=False, repr=False, compare=False
    )
    _seen: Memo[tuple[RuleSet, ViewKey], Seen] = field(
        default_factory=lambda: Memo(VIEWS_KEPT), init=False, repr=False, compare=False
    )
    _alike: Memo[tuple[RuleSet, Likeness], Seen] = field(
        default_factory=lambda: Memo(VIEWS_KEPT), init=False, repr=False, compare=False
    )

    @classmethod
    def load(
        cls, rule_texts: Mapping[str, str], directory: Directory, purposes: Purposes = PURPOSES
    ) -> Law:
        """Compile rule files (name → text) against a directory.

        Raises:
            InvalidInput: ``bad-rule`` with ``file:line`` and what to mend.
        """
        absent = read_absent(rule_texts.get(ABSENT_FILE, ""), ABSENT_FILE)
        signatures = read_signatures(rule_texts.get(SIGNATURES_FILE, ""))
        rules = read_rules({n: text for n, text in rule_texts.items() if n not in (ABSENT_FILE, SIGNATURES_FILE)})
        check_equal_offers(rules)
        rules = with_signatures(rules, signatures)
        return cls(rules, absent, directory, purposes, _hash(rule_texts), directory.hash, _by_date(rules))

    @classmethod
    def of_sample_region(cls, directory: Directory) -> Law:
        """The committed rules (``routing/rules``), with a directory."""
        return cls.load(sample_rules(), directory)

    def without(self, key: str) -> Law:
        """The same law as if a rule (``R14``) or one of its effects (``R14/2``) had never been written."""
        rule_id, _, number = key.partition("/")
        rules = []
        for rule in self.rules:
            if rule.id == rule_id:
                kept = [e for n, e in enumerate(rule.effects) if number and n != int(number)]
                rule = replace(rule, effects=tuple(kept))
            if rule.effects:
                rules.append(rule)
        return self._changed(tuple(rules), f"without {key}")

    def standing_on(self, day: date) -> Law:
        """The rules in force on a day, as if they had always been: to ask what they would do to older records."""
        always = {"valid_from": date.min, "recorded_at": date.min, "valid_to": None}
        rules = tuple([replace(rule, **always) for rule in self.rules if rule.in_force(day)])  # type: ignore[arg-type]
        return self._changed(rules, f"standing on {day}")

    def live(self) -> Law:
        """What of this law serves where people are real: unsigned rules that need counsel tell nobody (ADR 0170).

        Its hash is its own if that changes anything, so that a receipt says by which of the two was decided.
        """
        rules = tuple(silenced(rule) for rule in self.rules)
        return self if rules == self.rules else self._changed(rules, "live")

    def _changed(self, rules: tuple[Rule, ...], how: str) -> Law:
        """Other rules in place of these, under a hash that says how they came of them; it remembers nothing yet."""
        changed = hashlib.sha256(f"{self.rule_set_hash} {how}".encode()).hexdigest()
        return replace(self, rules=rules, rule_set_hash=changed, _sets=_by_date(rules))

    def waits_for_counsel(self, at: datetime) -> tuple[Rule, ...]:
        """Rules, in force or to come, that need counsel's signature and have none."""
        return unsigned(self.rules, at.astimezone(UTC).date())

    def in_force(self, at: datetime) -> RuleSet:
        """The rules of a day: law date and knowledge date are both the record's append time (UTC day)."""
        day = at.astimezone(UTC).date()
        found = self._sets[0][1]
        for start, rule_set in self._sets:
            if start > day:
                break
            found = rule_set
        return found

    def recipients(self, address: str, at: datetime) -> Recipients:
        """Who an address means at an instant, each with the role in which it is told.

        Raises:
            InvalidInput: as :meth:`Directory.read` and :meth:`Directory.resolve`.
        """
        period = self.directory.period(at)
        if period is None:
            return recipients(self.directory, address, at)
        found = self._meant.get((period, address))
        return self._meant.keep((period, address), recipients(self.directory, address, at)) if found is None else found

    def see(self, rules: RuleSet, view: View) -> Seen:
        """What a view alone decides under these rules."""
        key = (rules, frozenset(view.items()))
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen.keep(key, self._seen_as(rules, view))
        return seen

    def _seen_as(self, rules: RuleSet, view: View) -> Seen:
        absent = tuple(one for one in self.absent if holds(one.when, view))
        like = likeness(rules.bits(view), view, absent)
        seen = self._alike.get((rules, like))
        if seen is None:
            seen = self._alike.keep((rules, like), Seen.of(like, rules.matched(like.bits), absent))
        return seen

    def title(self, ref: RuleRef) -> str:
        """A rule's title in plain words."""
        return next((r.title for r in self.rules if r.ref == ref), ref.id)


def sample_rules() -> dict[str, str]:
    """The committed rule files: name → text."""
    folder = resources.files("routing") / "rules"
    return {f.name: f.read_text("utf-8") for f in sorted(folder.iterdir(), key=lambda f: f.name)
            if f.name.endswith(".yaml")}  # fmt: skip


def whole_rules(texts: Mapping[str, str]) -> dict[str, str]:
    """Rule files of a folder; one that holds signatures alone signs the committed rules."""
    return {**(sample_rules() if set(texts) <= {SIGNATURES_FILE} else {}), **texts}


def _by_date(rules: tuple[Rule, ...]) -> tuple[tuple[date, RuleSet], ...]:
    days = sorted({date.min} | {day for r in rules for day in (r.valid_from, r.valid_to, r.recorded_at) if day})
    return tuple((day, RuleSet([rule for rule in rules if rule.in_force(day)])) for day in days)


def _hash(texts: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for name, text in sorted(texts.items()):
        digest.update(f"{name}\0{len(text)}\0{text}".encode())
    return digest.hexdigest()

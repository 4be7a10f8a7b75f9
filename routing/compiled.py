"""Rules compiled to bitsets: one integer per (fact, value), one bit per clause.

Each alternative of each effect's condition is a bit; so is each alternative of a requirement. Matching ands,
over the facts that any rule reads, the integer of the value at hand. Work grows with facts, not with rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.durations import Duration, parse_duration
from routing.conditions import Clause, FactTest, View, both
from routing.rule import Effect, Rule
from routing.vocabulary import FACTS, UNSET


@dataclass(frozen=True, slots=True)
class Compiled:
    """An effect with its rule and the bits of its requirements. ``named``: how many facts its clauses name."""

    index: int
    rule: Rule
    effect: Effect
    named: int
    needs: tuple[tuple[str, int], ...]
    key: str
    spans: tuple[Duration, ...] = ()
    warns: tuple[tuple[Duration, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Matched:
    """What matched: the bits that survived, and the effects in force."""

    bits: int
    effects: tuple[Compiled, ...]
    by_kind: Mapping[str, list[Compiled]]

    def unmet(self, effect: Compiled) -> tuple[str, ...]:
        """What a requirement-bearing effect still asks for."""
        return tuple(asks for asks, mask in effect.needs if not self.bits & mask)

    def of(self, kind: str) -> Sequence[Compiled]:
        """The effects of one kind, in the order of the rules."""
        return self.by_kind.get(kind, ())


def spans_of(effect: Effect) -> tuple[str, ...]:
    """How long a deadline gives, as written: its spans, else its period."""
    return effect.within or ((effect.every,) if effect.every else ())


class RuleSet:
    """A compiled set of rules that are in force together."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.by_id = {rule.id: rule for rule in rules}
        clauses: list[Clause] = []
        self._effect_of_bit: dict[int, Compiled] = {}
        self._needs_of_rule: list[tuple[Rule, int]] = []
        for rule in rules:
            for number, effect in enumerate(rule.effects):
                self._add(rule, number, effect, clauses)
        self._need_bits = 0
        for _, mask in self._needs_of_rule:
            self._need_bits |= mask
        self._effect_bits = sum(1 << bit for bit in self._effect_of_bit)
        self._all = (1 << len(clauses)) - 1
        self._single, self._several = _tables(clauses, self._all)
        self.nothing_known = self.bits({})

    def _add(self, rule: Rule, number: int, effect: Effect, clauses: list[Clause]) -> None:
        condition = both(rule.when, effect.when)
        if effect.on is not None:
            condition = both(condition, ({"event": FactTest(effect.on)},))
        needs = []
        for need in effect.needs:
            needs.append((need.asks, sum(1 << (len(clauses) + i) for i in range(len(need.when)))))
            clauses.extend(need.when)
        self._needs_of_rule += [(rule, mask) for _, mask in needs]
        first = len(clauses)
        clauses.extend(condition)
        made = Compiled(
            len(self._effect_of_bit), rule, effect,
            max(len([fact for fact in clause if fact != "event"]) for clause in condition),
            tuple(needs), f"{rule.id}/{number}", tuple(map(parse_duration, spans_of(effect))),
            tuple((parse_duration(at), who) for at, who in effect.warn),
        )  # fmt: skip
        for bit in range(first, len(clauses)):
            self._effect_of_bit[bit] = made

    def bits(self, view: View) -> int:
        """The clauses that hold for these facts."""
        alive, known = self._all, view.get
        for fact, (table, otherwise) in self._single:
            alive &= table.get(known(fact, UNSET), otherwise)  # type: ignore[arg-type]
        for fact, (table, otherwise), (never, unless) in self._several:
            value = known(fact, UNSET)
            if isinstance(value, str):
                alive &= table.get(value, otherwise) & never.get(value, unless)
                continue
            some = 0
            for one in value:
                some |= table.get(one, otherwise)
                alive &= never.get(one, unless)
            alive &= some
        return alive

    def match(self, view: View) -> Matched:
        """The effects in force for these facts, each once, in the order of the rules."""
        return self.matched(self.bits(view))

    def matched(self, bits: int) -> Matched:
        """The effects in force where these clauses hold."""
        left, found = bits & self._effect_bits, []
        by_kind: dict[str, list[Compiled]] = {}
        last = None
        while left:
            low = left & -left
            left ^= low
            one = self._effect_of_bit[low.bit_length() - 1]
            if one is not last:
                found.append(one)
                by_kind.setdefault(one.effect.kind, []).append(one)
                last = one
        return Matched(bits, tuple(found), by_kind)

    def newly_met(self, before: int, after: int) -> list[Rule]:
        """Rules of which a requirement holds now and did not before."""
        if not after & ~before & self._need_bits:
            return []
        return [rule for rule, mask in self._needs_of_rule if after & mask and not before & mask]


Table = tuple[Mapping[str, int], int]


def _tables(
    clauses: Sequence[Clause], everything: int
) -> tuple[tuple[tuple[str, Table], ...], tuple[tuple[str, Table, Table], ...]]:
    """For one-valued facts one table each; for others one of what some value must meet, one of what none may.

    A clause that wants a value of each of several sets stands in as many layers of such tables.
    """
    single: list[tuple[str, Table]] = []
    several: list[tuple[str, Table, Table]] = []
    for fact in sorted({fact for clause in clauses for fact in clause}):
        tests = [(1 << bit, clause[fact]) for bit, clause in enumerate(clauses) if fact in clause]
        if not FACTS[fact].several:
            single.append(
                (fact, _table(tests, everything, lambda t, v: (t.any is None or v in t.any) and v not in t.none))
            )
            continue
        negative = _table([(bit, test) for bit, test in tests if test.none], everything, lambda t, v: v not in t.none)
        for layer in range(max(1, *(len(test.wanted()) for _, test in tests))):
            wanted = [(bit, FactTest(test.wanted()[layer])) for bit, test in tests if layer < len(test.wanted())]
            several.append((fact, _table(wanted, everything, lambda t, v: v in (t.any or ())), negative))
    return tuple(single), tuple(several)


def _table(tests, everything, passes) -> Table:  # type: ignore[no-untyped-def]
    unnamed = everything & ~sum(bit for bit, _ in tests)
    values = {value for _, test in tests for value in (*(test.any or ()), *test.none)}
    table = {v: unnamed | sum(bit for bit, test in tests if passes(test, v)) for v in values}
    return table, unnamed | sum(bit for bit, test in tests if passes(test, "\0"))

"""What time does to rules: waiting, not yet in force, ended without a successor, due for another look, unsigned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from routing.analysis.finding import Finding
from routing.rule import Rule


def dates(rules: Sequence[Rule], day: date) -> Iterable[Finding]:
    """Findings about each rule's dates and citation, as of a day."""
    for rule in rules:
        if not rule.confirmed:
            yield Finding("note", "unconfirmed", rule.where,
                          f"{rule.id} waits to be confirmed and decides nothing",
                          "Set confirmed: true once the source was read.")  # fmt: skip
            continue
        if rule.valid_to is not None and rule.valid_to <= rule.valid_from:
            yield _backwards(rule)
            continue
        if rule.valid_to is not None and rule.valid_to <= day:
            if not _succeeded(rule, rules):
                yield Finding("warning", "ended", rule.where,
                              f"{rule.id} ended on {rule.valid_to} and nothing follows it",
                              "Add its successor, or say in absent.yaml that it is gone.")  # fmt: skip
            continue
        if not rule.in_force(day):
            begins = max(rule.valid_from, rule.recorded_at)
            yield Finding("note", "not-yet", rule.where, f"{rule.id} begins on {begins}", "Nothing to do.")
        yield from _review(rule, day)
        if "A" in rule.mark and rule.signed is None:
            yield Finding("note", "unsigned", rule.where,
                          f"{rule.id} rests on an assumption ({rule.mark}) and no counsel has signed it",
                          "Have it read and signed before it touches a real case.")  # fmt: skip


def _review(rule: Rule, day: date) -> Iterable[Finding]:
    if rule.review_on is None:
        yield Finding("error", "no-review-date", rule.where,
                      f"{rule.id} cites {rule.cite} and nobody is to look at it again",
                      "Add review_on: the day by which the source is read anew.")  # fmt: skip
    elif rule.review_on <= day:
        yield Finding("error", "review-due", rule.where,
                      f"{rule.id} was to be reviewed on {rule.review_on}: its citation may have expired",
                      "Read the source again and set the next review_on.")  # fmt: skip


def _backwards(rule: Rule) -> Finding:
    return Finding("error", "never-in-force", rule.where, f"{rule.id} ends on {rule.valid_to}, before it begins",
                   "Correct valid_from or valid_to.")  # fmt: skip


def _succeeded(rule: Rule, rules: Iterable[Rule]) -> bool:
    return any(other.id == rule.id and rule.valid_to is not None and other.valid_from >= rule.valid_to
               for other in rules)  # fmt: skip

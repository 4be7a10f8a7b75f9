"""What is doubtful in a rule set, beyond what the loader refuses: said to people, not enforced."""

from __future__ import annotations

from datetime import datetime

from contracts.address import parse_address
from contracts.roles import REGION
from routing.law import Law
from routing.rule import Rule
from routing.vocabulary import PLACE_NAMES


def check(law: Law, at: datetime) -> tuple[str, ...]:
    """Sentences: rules past their review day, roles routed to that nobody holds, absent rules that are there."""
    day = at.date()
    known = {rule.id for rule in law.rules}
    found = []
    for rule in law.rules:
        if not rule.confirmed:
            found.append(f"{rule.where}: {rule.id} waits to be confirmed and decides nothing.")
        if not rule.in_force(day):
            continue
        if rule.review_on is not None and rule.review_on <= day:
            found.append(f"{rule.where}: {rule.id} was to be reviewed on {rule.review_on}.")
        found += [f"{rule.where}: {rule.id} names {target}, which nobody holds." for target in _unheld(rule, law, at)]
    found += [f"absent.yaml: {absent.id} stands among the rules too." for absent in law.absent if absent.id in known]
    return tuple(found)


def _unheld(rule: Rule, law: Law, at: datetime) -> list[str]:
    missing = []
    for effect in rule.effects:
        for target in effect.to if effect.kind == "route" else ():
            for country in REGION:
                filled = target
                for place in PLACE_NAMES:
                    filled = filled.replace(f"{{{place}}}", country)
                if "@" in filled and not _mission_at_home(filled) and not law.directory.resolve(
                    parse_address(filled), at
                ):
                    missing.append(filled)
    return sorted(set(missing))


def _mission_at_home(address: str) -> bool:
    role, _, country = address.partition("@")
    return role.startswith("CON.") and role[4:] == country

"""Purposes: what each needs, what each basis allows, and why a recipient is told when nobody says.

Data in ``purposes.yaml``; pure functions over it. A ceiling is the most that may be granted; consent
and rules only narrow it (a rule may grant a named role one more group inside consent: the router's work).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from contracts.address import RELATIONS
from contracts.errors import InvalidInput
from contracts.events import EventType
from contracts.groups import ITEMS
from contracts.roles import Basis, Group, Purpose, Role
from contracts.yaml_text import LocatedDict, load_yaml

BY_ROW: Final = "row"
AS_PURPOSE: Final = "purpose"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that may be granted: groups, and items that are slots of their own.

    ``one_item_of``: instead of that group, a single item of it, which the event must name.
    """

    groups: frozenset[Group] = frozenset()
    items: frozenset[str] = frozenset()
    one_item_of: Group | None = None

    def meet(self, other: Ceiling) -> Ceiling:
        """What both allow."""
        return Ceiling(self.groups & other.groups, self.items & other.items, self.one_item_of)


class Most(NamedTuple):
    """A ceiling in plain names, as the router compares them."""

    groups: frozenset[str]
    items: frozenset[str]


@dataclass(frozen=True, slots=True)
class Purposes:
    """The loaded tables."""

    ceilings: Mapping[Purpose, Ceiling]
    to_requester: Mapping[Purpose, frozenset[Group]]
    bases: Mapping[Basis, Ceiling | None]
    basis_exceptions: Mapping[tuple[Basis, Purpose], None]
    by_role: Mapping[str, Purpose | None]
    by_relation: Mapping[tuple[str, str], Purpose]
    otherwise: Purpose
    _most: Mapping[tuple[str, str, bool], Most] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Works every ceiling out once."""
        made = {
            (str(purpose), str(basis), asked): Most(frozenset(map(str, found.groups)), found.items)
            for purpose in self.ceilings
            for basis in self.bases
            for asked in (False, True)
            for found in (self.ceiling(purpose, basis, to_requester=asked),)
        }
        object.__setattr__(self, "_most", made)

    @classmethod
    def load(cls, text: str, file: str = "routing/purposes.yaml") -> Purposes:
        """Read the tables.

        Raises:
            InvalidInput: a purpose, basis, role, relation, group or item that is unknown, or a purpose
                or basis without a ceiling; names ``file:line``.
        """
        top: LocatedDict = load_yaml(text, file)
        ceilings: LocatedDict = top["ceilings"]
        bases: LocatedDict = top["bases"]
        recipients: LocatedDict = top["recipients"]
        relations: LocatedDict = top["relations"]
        _all_of(ceilings, tuple(Purpose))
        _all_of(bases, tuple(Basis))
        _known(recipients, tuple(Role))
        _known(relations, (*RELATIONS, "default"))
        return cls(
            ceilings={Purpose(name): _ceiling(row) for name, row in ceilings.items()},
            to_requester={
                Purpose(name): _groups(row, "requester")
                for name, row in ceilings.items()
                if "requester" in row
            },
            bases={
                Basis(name): None if row["groups"] == AS_PURPOSE else _ceiling(row)
                for name, row in bases.items()
            },
            basis_exceptions={
                (Basis(name), Purpose(purpose)): None
                for name, row in bases.items()
                for purpose in row.get("unless", {})
            },
            by_role={
                role: None if value == BY_ROW else _purpose(recipients, role, value)
                for role, value in recipients.items()
            },
            by_relation={
                (relation, row): _purpose(rows, row, value)
                for relation, rows in relations.items()
                if relation != "default"
                for row, value in rows.items()
            },
            otherwise=_purpose(relations, "default", relations["default"]),
        )

    def ceiling(self, purpose: Purpose, basis: Basis, *, to_requester: bool = False) -> Ceiling:
        """The most that this purpose on this basis may be granted, before consent's own groups and rules.

        ``to_requester``: the recipient asked for what is answered (the risk that tracing found goes back).
        """
        needs = self.ceilings[purpose]
        if to_requester and purpose in self.to_requester:
            needs = Ceiling(needs.groups | self.to_requester[purpose], needs.items, needs.one_item_of)
        allowed = self.bases[basis]
        if allowed is None or (basis, purpose) in self.basis_exceptions:
            return needs
        return needs.meet(allowed)

    def most(self, purpose: str, basis: str, to_requester: bool) -> Most:
        """:meth:`ceiling` in plain names, worked out when the tables were loaded."""
        return self._most[purpose, basis, to_requester]

    def default_purpose(self, target: str, event: EventType) -> Purpose | None:
        """Why a role or relation is told where neither event nor rule says; None: no purpose is known for it.

        The caller treats None as no route, never as a wide one.
        """
        if target in RELATIONS:
            return self.by_relation.get((target, event.row), self.otherwise)
        if target not in self.by_role:
            return None
        stated = self.by_role[target]
        return event.purpose if stated is None else stated


def _ceiling(row: LocatedDict) -> Ceiling:
    items = frozenset(row.get("items", []))
    if not items <= set(ITEMS):
        raise _refusal(row, "items", "unknown item", "Known: " + ", ".join(ITEMS) + ".")
    one = row.get("one_item_of")
    return Ceiling(_groups(row, "groups"), items, Group(one) if one else None)


def _groups(row: LocatedDict, key: str) -> frozenset[Group]:
    try:
        return frozenset(Group(name) for name in row[key])
    except (KeyError, ValueError, TypeError):
        raise _refusal(row, key, "not a list of field groups", "Write groups: [F0, F3].") from None


def _purpose(row: LocatedDict, key: str, value: Any) -> Purpose:
    try:
        return Purpose(value)
    except ValueError:
        raise _refusal(row, key, "unknown purpose", "Known: " + ", ".join(Purpose) + ".") from None


def _known(row: LocatedDict, known: tuple[str, ...]) -> None:
    for key in row:
        if key not in known:
            raise _refusal(row, key, f"{key} is not known here", "Known: " + ", ".join(known) + ".")


def _all_of(row: LocatedDict, known: tuple[str, ...]) -> None:
    _known(row, known)
    missing = [name for name in known if name not in row]
    if missing:
        raise _refusal(row, "", f"{missing[0]} is missing", "Add a row for it: what it needs at most.")


def _refusal(row: LocatedDict, key: str, message: str, remedy: str) -> InvalidInput:
    return InvalidInput(message, code="bad-purposes-file", field=row.where(key), remedy=remedy)


PURPOSES: Final = Purposes.load(Path(__file__).with_name("purposes.yaml").read_text(encoding="utf-8"))
"""The tables in force."""

"""People of a scenario file."""

from __future__ import annotations

from typing import Any, Final

from contracts.codelists import COUNTRIES, Gender
from services.scenario.fields import Fields
from services.scenario.model import Person
from services.scenario.nodes import Node

PERSON_ROLES: Final = ("subject", "companion", "family", "reporter")
PERSON_KEYS: Final = (
    "is",
    "born",
    "age",
    "born_in_step",
    "sex",
    "languages",
    "citizenship",
    "claims_citizenship",
    "residence_at_entry",
    "papers",
    "ethnicity",
    "child_of",
    "claims",
    "of",
    "suspected",
)
_NO_COUNTRY: Final = ("stateless", "undetermined")


def read_people(node: Node | None, file: str) -> dict[str, Person]:
    """All people, by name.

    Raises:
        ScenarioError: an unknown key or value, a relation to somebody who is not there.
    """
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise Fields(node, file=file, what="'people'", known=("NAME",)).error("unreachable", node)
    people = {name: _person(name, entry, file) for name, entry in node.value.items()}
    for name, entry in node.value.items():
        _check_relations(
            people[name], people, Fields(entry, file=file, what=f"person '{name}'", known=PERSON_KEYS)
        )
    return people


def _person(name: str, node: Node, file: str) -> Person:
    fields = Fields(node, file=file, what=f"person '{name}'", known=PERSON_KEYS)
    return Person(
        name=name,
        role=fields.text("is", PERSON_ROLES) or "subject",
        line=node.line,
        born=fields.day("born"),
        age=_age(fields),
        born_in_step=fields.text("born_in_step"),
        sex=fields.text("sex", tuple(Gender)),
        languages=fields.texts("languages") or (),
        citizenship=_citizenship(fields),
        claims_citizenship=fields.texts("claims_citizenship", COUNTRIES),
        residence_at_entry=fields.text("residence_at_entry", COUNTRIES),
        papers=fields.text("papers", ("held", "none")),
        ethnicity=fields.text("ethnicity"),
        child_of=fields.text("child_of"),
        claims=fields.text("claims"),
        of=fields.texts("of") or (),
        suspected=fields.flag("suspected") or False,
    )


def _age(fields: Fields) -> int | str | None:
    node = fields.node_of("age")
    if node is None or node.value is None:
        return None
    value: Any = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= 120:
            return value
        raise fields.error(f"'age' in {fields.what} must lie between 0 and 120.", node)
    return fields.word(node, "age", ("in_doubt", "child", "adult"))


def _citizenship(fields: Fields) -> tuple[str, ...] | str | None:
    node = fields.node_of("citizenship")
    if node is None or node.value is None:
        return None
    if not isinstance(node.value, list) and node.value in _NO_COUNTRY:
        return str(node.value)
    return fields.texts(
        "citizenship", COUNTRIES | set(_NO_COUNTRY) if not isinstance(node.value, list) else COUNTRIES
    )


def _check_relations(person: Person, people: dict[str, Person], fields: Fields) -> None:
    for key, names in (("child_of", (person.child_of,)), ("of", person.of)):
        for name in names:
            node = fields.node_of(key)
            if name is not None and node is not None:
                fields.word(Node(name, node.line), key, people)
    if person.child_of == person.name:
        raise fields.error(f"person '{person.name}' cannot be a child of itself.", fields.node)

"""Reads a scenario file: text in, a :class:`~services.scenario.model.Scenario` out.

The format is described in ``docs/scenarios.md``. Any key that is not in it is an error that names the
file, the line and the nearest known key, because a misspelt expectation must not pass unseen.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from services.scenario.errors import ScenarioError
from services.scenario.fields import Fields
from services.scenario.model import Answer, Open, Review, Scenario, Step, Variant
from services.scenario.nodes import Node, read_yaml
from services.scenario.parse_expect import check_references, read_expectations
from services.scenario.parse_people import PERSON_KEYS, read_people
from services.scenario.parse_steps import Context, read_steps, step_name

FILE_KEYS: Final = (
    "scenario",
    "title",
    "source",
    "clock",
    "people",
    "steps",
    "finally",
    "variants",
    "assumes",
)
VARIANT_KEYS: Final = ("without", "set", "unset", "then", "expect")


def parse_scenario(text: str, file: str) -> Scenario:
    """Read one file.

    Args:
        text: YAML.
        file: its name, as errors shall show it.

    Raises:
        ScenarioError: anything that is not of the format.
    """
    root = read_yaml(text, file)
    fields = Fields(root, file=file, what="the file", known=FILE_KEYS)
    slug = fields.word(
        fields.require("scenario", "Give it a short name: 'scenario: lao-woman-home'."), "scenario"
    )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", slug):
        raise fields.error(
            "'scenario' must be one short name.", root, remedy="Small letters, digits and hyphens."
        )
    start = _clock(fields)
    people = read_people(fields.node_of("people"), file)
    context = Context(file, start, people)
    steps = read_steps(fields.node_of("steps"), context)
    _check_steps(steps, steps, file)
    for person in people.values():
        if person.born_in_step is not None and person.born_in_step not in {s.id for s in steps}:
            raise ScenarioError(
                f"person '{person.name}': " + step_name(person.born_in_step, [s.id for s in steps]),
                file=file,
                line=person.line,
            )
    finally_ = read_expectations(fields.node_of("finally"), file, start, people)
    variants = _variants(fields, start)
    for expectations in (finally_, *(step.expect for step in steps)):
        check_references(expectations, file, [s.id for s in steps], people, variants)
    return Scenario(
        file=file,
        slug=slug,
        title=fields.text("title") or slug,
        source=fields.text("source") or "",
        clock=start,
        people=people,
        steps=steps,
        finally_=finally_,
        variants=variants,
        assumes=fields.texts("assumes") or (),
    )


def _clock(fields: Fields) -> datetime:
    remedy = "Write the start with its offset: 'clock: 2026-03-02T09:00+07:00'."
    node = fields.require("clock", remedy)
    start = fields.read(node, "clock", datetime.fromisoformat, remedy)
    if start.tzinfo is None:
        raise fields.error("'clock' has no offset.", node, remedy=remedy)
    return start


def _check_steps(steps: tuple[Step, ...], known: tuple[Step, ...], file: str) -> None:
    """An answer, review or opening must name a step above it."""
    above = {step.id: number for number, step in enumerate(known)}
    for number, step in enumerate(steps):
        name = _refers_to(step)
        if name is not None and above.get(name, number + len(known)) >= above.get(step.id, len(known)):
            raise ScenarioError(
                f"step '{step.id}': " + step_name(name, [s for s in above if s != step.id]),
                file=file,
                line=step.line,
                remedy="Name a step that stands above this one.",
            )


def _refers_to(step: Step) -> str | None:
    match step.action:
        case Answer(to=name) | Review(of=name) | Open(of=name):
            return name
        case _:
            return None


def _variants(fields: Fields, start: datetime) -> dict[str, Variant]:
    node = fields.node_of("variants")
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise fields.error(
            "'variants' must name each variant.", node, remedy="Write 'variants: {name: {set: …}}'."
        )
    return {name: _variant(name, entry, fields, start) for name, entry in node.value.items()}


def _variant(name: str, node: Node, base: Fields, start: datetime) -> Variant:
    fields = Fields(node, file=base.file, what=f"variant '{name}'", known=VARIANT_KEYS)
    people_node = base.node_of("people") or Node({}, node.line)
    steps_node = base.node_of("steps") or Node([], node.line)
    for path, value in _assignments(fields):
        people_node, steps_node = _assign(path, value, people_node, steps_node, fields)
    people = read_people(people_node, base.file)
    context = Context(base.file, start, people)
    # Instants are worked out with every step in place: leaving a step out must not move the ones below it.
    told = read_steps(steps_node, context)
    without = _without(fields, told)
    kept = tuple(step for step in told if step.id not in without)
    then = read_steps(fields.node_of("then"), context, kept[-1].at if kept else start)
    steps = tuple(_unchecked(step) for step in kept) + then
    _check_steps(kept, told, base.file)
    _check_steps(then, steps, base.file)
    own = read_expectations(fields.node_of("expect"), base.file, start, people)
    for expectations in (own, *(step.expect for step in then)):
        check_references(expectations, base.file, [s.id for s in steps], people, ())
    return Variant(name=name, people=people, steps=steps, expect=own, line=node.line)


def _unchecked(step: Step) -> Step:
    """In a variant the base expectations are not checked."""
    return Step(id=step.id, at=step.at, line=step.line, by=step.by, outcome="", action=step.action)


def _without(fields: Fields, steps: tuple[Step, ...]) -> set[str]:
    ids = [step.id for step in steps]
    names = fields.texts("without", [*ids, "all"]) or ()
    return set(ids) if "all" in names and "all" not in ids else set(names)


def _assignments(fields: Fields) -> list[tuple[str, Node | None]]:
    found: list[tuple[str, Node | None]] = []
    node = fields.node_of("set")
    if node is not None and node.value is not None:
        if not isinstance(node.value, dict):
            raise fields.error(f"'set' of {fields.what} must be 'path: value'.", node)
        found += list(node.value.items())
    node = fields.node_of("unset")
    if node is not None and node.value is not None:
        names = list(node.value) if isinstance(node.value, dict) else list(fields.texts("unset") or ())
        found += [(name, None) for name in names]
    return found


def _assign(path: str, value: Node | None, people: Node, steps: Node, fields: Fields) -> tuple[Node, Node]:
    """Copies of both trees with one value put in or taken out."""
    head, *rest = path.split(".")
    line = value.line if value is not None else fields.node.line
    ids = [child.value["id"].value for child in steps.value if "id" in child.value]
    if not rest or head not in (*people.value, *ids):
        raise fields.error(
            f"'{path}' of {fields.what} names no person and no step of the file.",
            Node(None, line),
            remedy="Write NAME.key or STEP.facts.key: 'screened.facts.pregnant'.",
        )
    if head in people.value and (head not in ids or rest[0] in PERSON_KEYS):
        changed = {**people.value, head: _put(people.value[head], rest, value, fields, line)}
        return Node(changed, people.line), steps
    entries = [
        _put(child, rest, value, fields, line)
        if child.value.get("id", Node(None, 0)).value == head
        else child
        for child in steps.value
    ]
    return people, Node(entries, steps.line)


def _put(node: Node, path: list[str], value: Node | None, fields: Fields, line: int) -> Node:
    key, *rest = path
    if isinstance(node.value, list) and key.isdigit() and int(key) < len(node.value):
        items = list(node.value)
        items[int(key)] = (
            _put(items[int(key)], rest, value, fields, line) if rest else (value or Node(None, line))
        )
        return Node(items, node.line)
    if not isinstance(node.value, dict):
        raise fields.error(f"{fields.what}: there is no '{key}' to change here.", Node(None, line))
    if rest:
        inner = node.value.get(key, Node({}, line))
        return Node({**node.value, key: _put(inner, rest, value, fields, line)}, node.line)
    if value is None:
        return Node({k: v for k, v in node.value.items() if k != key}, node.line)
    return Node({**node.value, key: value}, node.line)

"""Steps of a scenario file: when, who, and what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from contracts.consent import Consent
from contracts.errors import InvalidInput
from contracts.events import EVENTS
from contracts.facts import Facts
from contracts.groups import GROUP_MODELS
from contracts.open_event import ANSWER_EVENTS
from contracts.roles import Group, Purpose
from routing.limits import read_limit
from services.scenario.errors import nearest
from services.scenario.fields import Fields
from services.scenario.model import (
    Action,
    Answer,
    Emit,
    Fault,
    Open,
    Person,
    Reported,
    Reserved,
    Review,
    Step,
)
from services.scenario.moments import AT_REMEDY, moment
from services.scenario.nodes import Node
from services.scenario.parse_expect import read_expectations

ACTION_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "emit": ("about", "to", "purpose", "facts", "seal", "consent"),
    "answer": ("to", "code", "reason", "reported", "about"),
    "review": ("of", "reason", "second", "limit"),
    "open": ("of",),
    "fault": (),
    "submit": ("about", "to", "purpose", "facts", "seal", "consent", "of"),
    "change": ("of", "reason"),
    "operate": ("of", "about", "reason", "second"),
}
COMMON_KEYS: Final = ("id", "at", "by", "outcome", "expect")
OUTCOMES: Final = ("accepted", "held", "denied", "refused")
RESERVED: Final = ("submit", "change", "operate")
SEALABLE: Final = tuple(str(g) for g in GROUP_MODELS)
_ALL_KEYS: Final = tuple(
    dict.fromkeys((*COMMON_KEYS, *ACTION_KEYS, *(key for keys in ACTION_KEYS.values() for key in keys)))
)
_HOW: Final = ("phone", "in_person", "letter", "radio", "message", "other")


@dataclass(slots=True)
class Context:
    """What a step needs to know of its file."""

    file: str
    start: datetime
    people: dict[str, Person]
    consented_to: list[str] = field(default_factory=list)


def read_steps(node: Node | None, context: Context, previous: datetime | None = None) -> tuple[Step, ...]:
    """The steps in order, each with its instant.

    Raises:
        ScenarioError: an unknown key, two actions, an id twice, a step before the one above it.
    """
    if node is None or node.value is None:
        return ()
    if not isinstance(node.value, list):
        raise Fields(Node({}, node.line), file=context.file, what="'steps'", known=()).error(
            "'steps' must be a list.", node, remedy="Begin each step with a dash: '- id: first'."
        )
    steps: list[Step] = []
    now = previous or context.start
    for number, entry in enumerate(node.value, 1):
        step = _step(entry, number, now, context)
        if any(step.id == other.id for other in steps):
            raise Fields(entry, file=context.file, what="a step", known=_ALL_KEYS).error(
                f"the step id '{step.id}' stands twice.", entry, remedy="Give each step an id of its own."
            )
        now = step.at
        steps.append(step)
    return tuple(steps)


def _step(node: Node, number: int, now: datetime, context: Context) -> Step:
    fields = Fields(node, file=context.file, what=f"step {number}", known=_ALL_KEYS)
    step_id = fields.text("id") or f"step-{number}"
    fields.what = f"step '{step_id}'"
    kinds = [kind for kind in ACTION_KEYS if kind in fields]
    if len(kinds) > 1:
        raise fields.error(
            f"{fields.what} does two things: {' and '.join(kinds)}.", node, remedy="Cut it in two steps."
        )
    known = (*COMMON_KEYS, *kinds, *(ACTION_KEYS[kinds[0]] if kinds else ()))
    fields = Fields(
        node, file=context.file, what=fields.what + (f" ({kinds[0]})" if kinds else ""), known=known
    )
    if kinds and kinds[0] not in ("fault", *RESERVED):
        fields.require("by", "Say who does it: 'by: NGO-H@TH'.")
    return Step(
        id=step_id,
        at=_instant(fields, now, context.start),
        line=node.line,
        by=fields.address("by"),
        outcome=fields.text("outcome", OUTCOMES) or "accepted",
        action=_ACTIONS[kinds[0]](fields, context) if kinds else None,
        expect=read_expectations(fields.node_of("expect"), context.file, context.start, context.people),
    )


def _instant(fields: Fields, now: datetime, start: datetime) -> datetime:
    node = fields.node_of("at")
    if node is None or node.value is None:
        return now
    at = fields.read(node, "at", lambda text: moment(text, start), AT_REMEDY)
    if at < now:
        raise fields.error(
            f"{fields.what} lies before the step above it.",
            node,
            remedy="Put the steps in the order in which they happen.",
        )
    return at


def _emit(fields: Fields, context: Context) -> Action:
    about = fields.texts("about", context.people)
    if about is None:
        about = _only_subject(fields.text("emit") or "", context)
    event = fields.text("emit") or ""
    taken_back = tuple(context.consented_to) if event == "ConsentWithdrawn" else ()
    consent = _model(fields, "consent", Consent, taken_back)
    if consent is not None and event == "ConsentGiven":
        context.consented_to += [text for text in consent.to if text not in context.consented_to]
    return Emit(
        event=event,
        about=about,
        to=fields.addresses("to") or (),
        purpose=fields.text("purpose", tuple(Purpose)),
        facts=_model(fields, "facts", Facts) or Facts(),
        seal=_seal(fields, about, context),
        consent=consent,
    )


def _only_subject(event: str, context: Context) -> tuple[str, ...]:
    """Whom an event is about that names nobody: the file's only subject, unless it is about no person."""
    if event in EVENTS and not EVENTS[event].is_person_level:
        return ()
    subjects = [p.name for p in context.people.values() if p.role == "subject"]
    return tuple(subjects) if len(subjects) == 1 else ()


def _model(fields: Fields, key: str, model: type[Any], withdrawn_from: tuple[str, ...] = ()) -> Any:
    """A mapping through its contract; the contract's message is kept, the value is not echoed."""
    node = fields.node_of(key)
    if node is None or node.value is None:
        return None
    known = [f.alias or name for name, f in model.model_fields.items()]
    inner = Fields(node, file=fields.file, what=f"'{key}' of {fields.what}", known=known)
    if key == "consent":
        for group_key, allowed in (("purposes", tuple(Purpose)), ("groups", tuple(Group))):
            inner.texts(group_key, allowed)
        inner.addresses("to")
    value = {name: (child.plain() if child.value is not None else None) for name, child in node.value.items()}
    if model is Consent and withdrawn_from:
        # Who takes back a purpose takes it from all she gave it to; for how long it was given says nothing.
        value = {"to": list(withdrawn_from), "until": "1d", **value}
    try:
        return model.model_validate(_as_lists(value, model))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = node.value.get(str(first["loc"][0]), node) if first["loc"] else node
        path = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        raise inner.error(
            f"{path} of {fields.what}: {first['msg']}.",
            at,
            remedy="See 'Facts' and 'consent' in docs/scenarios.md.",
        ) from None


def _as_lists(value: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """One word where a list is meant is a list of one."""
    lists = ("purposes", "to", "groups") if model is Consent else ("exploitation", "claims_citizenship")
    return {k: [v] if k in lists and isinstance(v, str) else v for k, v in value.items()}


def _seal(
    fields: Fields, about: tuple[str, ...], context: Context
) -> dict[str, dict[str, dict[str, Any] | None]]:
    node = fields.node_of("seal")
    if node is None or node.value is None:
        return {}
    if not isinstance(node.value, dict):
        groups = fields.texts("seal", SEALABLE) or ()
        return {person: dict.fromkeys(groups) for person in about}
    if node.value and all(key in SEALABLE for key in node.value):
        return {person: _sealed_groups(fields, node) for person in about}
    sealed: dict[str, dict[str, dict[str, Any] | None]] = {}
    for person, groups in node.value.items():
        fields.word(Node(person, groups.line), "seal", about or context.people)
        sealed[person] = _sealed_groups(fields, groups)
    return sealed


def _sealed_groups(fields: Fields, node: Node) -> dict[str, dict[str, Any] | None]:
    if not isinstance(node.value, dict):
        return {fields.word(item, "seal", SEALABLE): None for item in fields.items(node)}
    sealed: dict[str, dict[str, Any] | None] = {}
    for group, values in node.value.items():
        fields.word(Node(group, values.line), "seal", SEALABLE)
        model = GROUP_MODELS[Group(group)]
        if isinstance(values.value, dict):
            known = (*model.model_fields, *(key for key in values.value if not _misspelt(key, model)))
            Fields(values, file=fields.file, what=f"{group} of {fields.what}", known=known)
        given = _with_others(values.plain(), model) if isinstance(values.value, dict) else None
        if given is not None:
            try:
                model.model_validate(given)
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                raise fields.error(
                    f"{group}.{first['loc'][0]} of {fields.what}: {first['msg']}.", values
                ) from None
        sealed[group] = given
    return sealed


def _misspelt(key: str, model: type[BaseModel]) -> bool:
    """A word so near to one of a group's own that it must be a slip."""
    return key not in model.model_fields and bool(get_close_matches(key, model.model_fields, n=1, cutoff=0.75))


def _with_others(given: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Whoever writes a story need not know the names of our fields: other words go where a group keeps them."""
    own = {key: value for key, value in given.items() if key in model.model_fields}
    others = {key: str(value) for key, value in given.items() if key not in model.model_fields}
    return {**own, "other": {**own.get("other", {}), **others}} if others else own


def _answer(fields: Fields, context: Context) -> Action:
    return Answer(
        kind=fields.text("answer", ANSWER_EVENTS) or "",
        to=fields.word(fields.require("to", "Name the step that is answered."), "to"),
        code=fields.text("code"),
        reason=fields.text("reason"),
        reported=_reported(fields),
    )


def _reported(fields: Fields) -> Reported | None:
    node = fields.node_of("reported")
    if node is None or node.value is None:
        return None
    inner = Fields(node, file=fields.file, what=f"'reported' of {fields.what}", known=("by", "how", "person"))
    return Reported(
        by=inner.address("by"),
        how=inner.text("how", _HOW) or "phone",
        person=inner.text("person") or "somebody",
    )


def _review(fields: Fields, context: Context) -> Action:
    return Review(
        action=fields.text("review", ("release", "refuse")) or "",
        of=fields.word(fields.require("of", "Name the step that waits."), "of"),
        reason=fields.text("reason"),
        second=fields.text("second"),
        limit=_limit(fields),
    )


def _limit(fields: Fields) -> str | None:
    node = fields.node_of("limit")
    text = " ".join(fields.texts("limit") or ())
    if node is None or not text:
        return None
    try:
        read_limit(text)
    except InvalidInput as error:
        raise fields.error(f"'limit' of {fields.what}: {error.message}.", node, remedy=error.remedy) from None
    return text


def _open(fields: Fields, context: Context) -> Action:
    return Open(
        groups=fields.texts("open", tuple(Group)) or (),
        of=fields.word(fields.require("of", "Name the step whose message is opened."), "of"),
    )


def _fault(fields: Fields, context: Context) -> Action:
    node = fields.require("fault", "Write {channel_down: ADDRESS}.")
    inner = Fields(
        node, file=fields.file, what=f"'fault' of {fields.what}", known=("channel_down", "channel_up")
    )
    down = inner.addresses("channel_down")
    addresses = down or inner.addresses("channel_up")
    if not addresses or len(node.value) != 1:
        raise inner.error(
            f"'fault' of {fields.what} needs one of channel_down, channel_up.",
            node,
            remedy="Write {channel_down: SHA@TH}, and {channel_up: SHA@TH} in a later step.",
        )
    return Fault(down=down is not None, addresses=addresses)


def _reserved(kind: str) -> Callable[[Fields, Context], Action]:
    return lambda fields, context: Reserved(kind)


_ACTIONS: Final[dict[str, Callable[[Fields, Context], Action]]] = {
    "emit": _emit,
    "answer": _answer,
    "review": _review,
    "open": _open,
    "fault": _fault,
    **{kind: _reserved(kind) for kind in RESERVED},
}


def step_name(name: str, known: list[str]) -> str:
    """Words for an id that no step has."""
    return (
        f"no step has the id '{name}'; the nearest is '{nearest(name, known)}'."
        if known
        else "there is no step."
    )

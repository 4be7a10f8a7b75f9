"""The referral's notes: what Primero has no field for, in lines that people read and this module reads back.

    [sampan 0d2f…]
    Sent through Sampan by …
    Legal basis: consent (IDENTIFY, SHELTER; until 2026-06-01).
    F5 recruitment: AtWork
    F12 notes: first line
        second line

The marker in the first line is the dispatch's alias: a repeat finds by it what an earlier attempt left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote
from uuid import UUID

from adapters.model import RenderInput
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.roles import Basis, Group

_MARKER: Final = re.compile(r"\[sampan ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\]")
_LINE: Final = re.compile(r"(F\d{1,2}) ([a-z_]+)(?:/([^:]*))?: (.*)", re.DOTALL)
_INDENT: Final = "    "


def marker(dispatch: UUID) -> str:
    """How a referral says which dispatch it is."""
    return f"[sampan {dispatch}]"


def dispatch_of(text: object) -> UUID | None:
    """The dispatch that notes name at their very beginning; a marker further down is somebody's words."""
    found = _MARKER.match(text.lstrip()) if isinstance(text, str) else None
    return UUID(found[1]) if found else None


def write(event: RenderInput, receipt: str, lines: Iterable[str]) -> str:
    """The whole text: marker, where it comes from, the basis in law, notes of the rules, then the lines."""
    head = [marker(event.dispatch), _origin(event, receipt), _basis(event)]
    head += [f"Note: {note.code}" + (f" ({note.person})" if note.person else "") for note in event.notes]
    head += [f"Item {name}: {value}" for name, value in sorted(event.items.items())]
    # One line each: a line break in an agency's name or a person's label must not begin a line of its own.
    return "\n".join([*(" ".join(line.split()) for line in head), *lines])


def _origin(event: RenderInput, receipt: str) -> str:
    asked = f"{event.event}, purpose {event.purpose}, priority {event.priority}, dated {event.dated:%Y-%m-%d}"
    return f"Sent through Sampan by {event.from_agency}. Case {event.case_code}, {asked}. Receipt {receipt}."


def _basis(event: RenderInput) -> str:
    if event.basis is not Basis.CONSENT:
        return f"Legal basis: {event.basis}, not consent; consent_overridden is set for this reason alone."
    if event.consent is None:
        return "Legal basis: consent."
    until = f"; until {event.consent.until:%Y-%m-%d}" if event.consent.until else ""
    return f"Legal basis: consent ({', '.join(event.consent.purposes)}{until})."


def lines_of(group: Group, name: str, value: object) -> list[str]:
    """A canonical field as lines: one for each value, further text lines indented."""
    if isinstance(value, Mapping):
        return [_line(f"{group} {name}/{quote(str(key), safe=' ')}", each) for key, each in value.items()]
    values = value if isinstance(value, list | tuple) else [value]
    return [_line(f"{group} {name}", each) for each in values]


def _line(head: str, value: object) -> str:
    return f"{head}: " + str(value).replace("\n", f"\n{_INDENT}")


def read(text: str) -> dict[Group, dict[str, Any]]:
    """The fields that the lines hold, as raw values for the group models. Lines of other shapes are prose."""
    found: dict[Group, dict[str, Any]] = {}
    for entry in re.split(rf"\n(?!{_INDENT})", text):
        match = _LINE.fullmatch(entry)
        if match is None or match[1] not in set(Group) or Group(match[1]) not in GROUP_MODELS:
            continue
        group, name, key = Group(match[1]), match[2], match[3]
        if name not in GROUP_MODELS[group].model_fields:
            continue
        fields, value = found.setdefault(group, {}), match[4].replace(f"\n{_INDENT}", "\n")
        if key is not None:
            fields.setdefault(name, {})[unquote(key)] = value
        elif is_list(GROUP_MODELS[group], name):
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    return found


def is_list(model: type[FieldGroup], name: str) -> bool:
    """Whether a field of a group holds several values."""
    return "list[" in str(model.model_fields[name].annotation)

"""The assisted edge: prepares plain JSON for agencies whose edge runs here. Recorded as assisted in the header.

It holds, for each such agency, a signing key of its own; the agency's content is in clear in this process for
the length of one call.
"""

from __future__ import annotations

import json
from difflib import get_close_matches
from functools import cache
from itertools import takewhile
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.errors import InvalidInput, NotAllowed
from contracts.groups import GROUP_MODELS
from contracts.ids import Random
from contracts.open_event import OpenEvent
from contracts.roles import Group
from services.edge.prepare import Instance as InstanceParameters
from services.edge.prepare import Prepared, SenderKeys, prepare
from services.runtime.clock import Clock


class AssistedEdge:
    """Prepares for the agencies whose keys it was given."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock, self._random = clock, random
        self._keys: dict[UUID, tuple[str, SenderKeys]] = {}

    def enrol(self, slug: str, keys: SenderKeys) -> None:
        """Prepare for this agency from now on."""
        self._keys[keys.agency_id] = (slug, keys)

    def prepare(self, raw: bytes, agency: UUID, instance: InstanceParameters) -> Prepared:
        """Read an open event and seal it in the agency's name.

        Raises:
            InvalidInput: broken JSON, or a field that does not fit; names the field, never the value.
            NotAllowed: no key of this agency is here, or the event names another sender.
        """
        event = read_open_event(raw)
        if agency not in self._keys:
            raise NotAllowed(
                "this server seals nothing for your agency",
                code="not-assisted",
                remedy="Use the sampan client, which seals on your own machine.",
            )
        slug, keys = self._keys[agency]
        if event.sender != slug:
            raise NotAllowed(
                "the token belongs to another agency than the event", code="other-sender", field="sender"
            )
        return prepare(event, keys, instance, self._random, self._clock.now(), assisted=True)


def said_by(raw: bytes) -> bytes:
    """What a readable document says, whatever its spaces and the order of its fields: to know a repetition by."""
    return json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":")).encode()


def read_open_event(raw: bytes) -> OpenEvent:
    """Read the canonical JSON.

    Raises:
        InvalidInput: names the field and what is wrong with it, never what stands there.
    """
    try:
        return OpenEvent.model_validate_json(raw)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> InvalidInput:
    """The first thing wrong, in our words alone: a key of the sender's may be somebody's name."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return InvalidInput("this is not JSON", code="broken-json", remedy="Check the file is whole.")
    path = first["loc"]
    ours = tuple(takewhile(lambda part: isinstance(part, int) or part in _our_words(), path))
    where = ".".join(str(part) for part in ours)
    message, remedy = "this field is missing, or of the wrong kind", "See the canonical form at /docs."
    unknown = path[len(ours)] if len(path) > len(ours) else None
    if first["type"] == "extra_forbidden" or "[key]" in path:
        message = "there is a field here that the canonical form does not know"
        close = get_close_matches(str(unknown)[:80], _our_words(), n=1, cutoff=0.75)
        remedy = f"Did you mean {close[0]}?" if close else remedy
    return InvalidInput(
        message, code=f"bad-field-{first['type'].replace('_', '-')}"[:60], field=where or None, remedy=remedy
    )


@cache
def _our_words() -> frozenset[str]:
    """Every name of a field and of a group in the canonical form."""
    schemas = [OpenEvent.model_json_schema(), *(model.model_json_schema() for model in GROUP_MODELS.values())]
    found = {str(group) for group in Group}
    waiting: list[Any] = list(schemas)
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found |= set(part.get("properties", {}))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return frozenset(found)

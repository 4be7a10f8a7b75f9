"""The assisted edge: prepares plain JSON for agencies whose edge runs here. Recorded as assisted in the header.

It holds, for each such agency, a signing key of its own; the agency's content is in clear in this process for
the length of one call.
"""

from __future__ import annotations

import json
from uuid import UUID

from pydantic import ValidationError

from contracts.errors import InvalidInput, NotAllowed
from contracts.ids import Random
from contracts.open_event import OpenEvent
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
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "json_invalid":
            raise InvalidInput(
                "this is not JSON", code="broken-json", remedy="Check the file is whole."
            ) from None
        raise InvalidInput(
            "this field is missing, unknown, or of the wrong kind",
            code=f"bad-field-{first['type'].replace('_', '-')}"[:60],
            field=where or None,
            remedy="The canonical form is described at /docs and in contracts/schemas.",
        ) from None

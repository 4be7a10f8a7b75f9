"""Groups in clear, as whoever renders holds them: in memory, for the length of one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from contracts.codec import decode
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.roles import Group

_ITEM = "item:"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a recipient may read. Lives in the edge's memory alone."""

    groups: Mapping[Group, FieldGroup] = field(default_factory=dict, repr=False)
    items: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, contents: Mapping[str, bytes]) -> Self:
        """From slots' contents by label.

        Raises:
            InvalidInput: a group that does not follow its schema.
        """
        return cls(
            groups={Group(label): decode(GROUP_MODELS[Group(label)], data)
                    for label, data in contents.items() if not label.startswith(_ITEM)},
            items={label.removeprefix(_ITEM): data.decode()
                   for label, data in contents.items() if label.startswith(_ITEM)},
        )  # fmt: skip

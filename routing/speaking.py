"""In which role an agency speaks."""

from __future__ import annotations

from datetime import datetime

from contracts.errors import NotAllowed
from contracts.events import event_type
from routing.agency import Agency


def acting_as(sender: Agency, claimed: str | None, event: str, at: datetime) -> str:
    """The role address in which ``sender`` speaks: the one it claims and holds, else the one usual for the event.

    Raises:
        NotAllowed: it claims a role that it does not hold at ``at``, or holds none.
    """
    held = sender.addresses(at)
    if not held:
        raise NotAllowed("the directory gives this agency no role now", code="role-not-held", field="sender")
    if claimed is None:
        usual = [address for address in held if address.role in event_type(event).emitters]
        return str((usual or list(held))[0])
    if claimed not in {str(address) for address in held}:
        raise NotAllowed(
            "the sender does not hold this role", code="role-not-held", field="acting_as",
            remedy="This agency holds: " + ", ".join(str(address) for address in held),
        )  # fmt: skip
    return claimed

"""Sealing on this machine: binds an agency's key and the server's public key to ``services.edge.prepare``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from contracts.api import AgencyInfo, InstanceInfo
from contracts.errors import SetupProblem
from contracts.open_event import OpenEvent
from services.client.home import Profile
from services.edge.prepare import SenderKeys, prepare


def sealer(
    profile: Profile,
    instance: InstanceInfo,
    me: AgencyInfo,
    *,
    random: Callable[[int], bytes],
    now: Callable[[], datetime],
) -> Callable[[OpenEvent], bytes]:
    """A function that seals an event for ``instance`` and signs it as ``profile``'s agency.

    Raises:
        SetupProblem: this machine holds no signing key for the agency.
    """
    if profile.key is None:
        raise SetupProblem(
            f"this machine holds no signing key for {profile.agency}, so it cannot send in its name.",
            code="no-signing-key",
            remedy="Put the key file in the keys folder, or send JSON with --assisted.",
        )
    keys = SenderKeys(me.agency_id, profile.key.seed, profile.key.key_id)

    def seal(event: OpenEvent) -> bytes:
        return prepare(event, keys, instance, random, now()).submission

    return seal

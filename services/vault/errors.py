"""What the vault refuses. None of these tells more than the caller knew: absent and withheld sound alike."""

from __future__ import annotations

from contracts.errors import Conflict, NotAllowed, NotFound, TryLater


class StaleTicket(TryLater):
    """Something was narrowed since this dispatch was decided: the router must look at it again first."""

    default_code = "stale-ticket"


class GateClosed(NotAllowed):
    """Nothing about this person may be opened."""

    default_code = "gate-closed"


class NotGranted(NotFound):
    """Unknown, another recipient's, or not among what was granted: one answer for all three."""

    default_code = "not-granted"


class VaultAway(TryLater):
    """The vault cannot be reached, or cannot answer now. No outcome of anything: the caller waits."""

    default_code = "vault-away"


def away() -> VaultAway:
    """What was asked may have been done; asking again changes nothing."""
    return VaultAway("The keys cannot be reached at the moment.", remedy="Try again in a minute.")


def stale() -> StaleTicket:
    """The router decides again, usually within a second."""
    return StaleTicket("Something changed in this case; what you may see is being decided again.",
                       remedy="Try again in a minute.")  # fmt: skip


def closed() -> GateClosed:
    """Frozen, withdrawn or erased: which of them is nobody's business here."""
    return GateClosed("This can no longer be opened.", remedy="Ask the sender if you need it for your duty.")


def other_content() -> Conflict:
    """The id of an admitted event, and other bytes: what was admitted once is never replaced."""
    return Conflict("This event id was used for another submission.", code="id-used", field="event_id",
                    remedy="A changed document needs a new submission.")  # fmt: skip


def expired() -> GateClosed:
    """What the dispatch rested on has ended."""
    return GateClosed("The time during which this could be opened has ended.", code="grant-expired",
                      remedy="Ask the sender to refer again.")  # fmt: skip


def not_granted() -> NotGranted:
    """See :class:`NotGranted`."""
    return NotGranted("There is nothing here for you to open.", remedy="Check the reference in your inbox.")


def erased() -> GateClosed:
    """A subject whose key was destroyed does not come back under the same id."""
    return GateClosed("This record was erased.", code="erased", remedy="Open a new case if help is needed.")

"""The portal's readers, wired: every edge is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from routing.directory import Directory
from services.portal.timeline import DecidedIn, Timelines, here
from services.portal.waiting import ReviewsOf, Waiting
from services.portal.words import TitleOf, Titles
from services.runtime.store.postgres import PostgresStore
from services.vault.port import VaultDoor


@dataclass(frozen=True, slots=True)
class PortalParts:
    """What the portal reads: timelines, and what waits."""

    timelines: Timelines
    waiting: Waiting


def bootstrap(
    *, store: PostgresStore, vault: VaultDoor, directory: Directory, title_of: TitleOf, reviews_of: ReviewsOf,
    decided_in: DecidedIn = here,
) -> PortalParts:  # fmt: skip
    """Wire the portal's readers.

    Args:
        title_of: a rule's title and confidence mark.
        reviews_of: the open reviews of a caller.
        decided_in: where the router of a case keeps its receipts.
    """
    return PortalParts(
        Timelines(store, vault, directory, Titles(title_of), decided_in),
        Waiting(store, vault, reviews_of),
    )

"""The checker of fault suites catches each promise when it is broken: it is worth what it can refuse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.history import (
    Acknowledged,
    Closing,
    History,
    Opening,
    PrimeroEffect,
    Told,
    broken_promises,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)
SHELTER, MINISTRY = "shelter-th", "rfp-kh"


def told(number: int, recipient: str, *, recalled: bool = False) -> Told:
    """Dispatch ``number`` of event 1 about subject 9 in case 8."""
    return Told(
        UUID(int=number), UUID(int=100 + number), UUID(int=1), UUID(int=9), recipient, UUID(int=8), recalled
    )


def good() -> History:
    """A run in which everything held, a withdrawal among it."""
    first, second, ministry = told(1, SHELTER), told(2, SHELTER), told(3, MINISTRY, recalled=True)
    return History(
        acknowledged=[Acknowledged(UUID(int=1), frozenset({SHELTER, MINISTRY}))],
        decided={UUID(int=1)},
        told=[first, second, ministry],
        inboxes={
            SHELTER: [(1, first.dispatch_id), (2, second.dispatch_id)],
            MINISTRY: [(1, ministry.dispatch_id)],
        },
        notices=[(first.alias, first.alias), (first.alias, first.alias), (second.alias, second.alias)],
        primero=[
            PrimeroEffect("case_created", UUID(int=9)),
            PrimeroEffect("referral_created", UUID(int=9), ministry.alias),
            PrimeroEffect("referral_revoked", UUID(int=9), ministry.alias),
        ],
        openings=[Opening(ministry.dispatch_id, AT), Opening(first.dispatch_id, AT + timedelta(seconds=5))],
        seen=[first.alias],
        closings=[Closing(UUID(int=9), AT + timedelta(seconds=1), frozenset({MINISTRY}))],
        webhook_recipient=SHELTER,
        primero_recipient=MINISTRY,
    )


def test_a_run_that_kept_its_word_breaks_nothing() -> None:
    """Repeated notices under one id, a recalled referral, and an opening of another's grant are within them."""
    assert broken_promises(good()) == []


def undecided(history: History) -> None:
    history.decided.clear()


def unreached(history: History) -> None:
    history.told.pop(0)
    history.told.pop(0)


def gap(history: History) -> None:
    history.inboxes[SHELTER][1] = (3, history.inboxes[SHELTER][1][1])


def twice_in_inbox(history: History) -> None:
    history.inboxes[SHELTER].append((3, UUID(int=1)))


def inbox_order(history: History) -> None:
    first, second = history.inboxes[SHELTER]
    history.inboxes[SHELTER] = [(1, second[1]), (2, first[1])]


def not_in_inbox(history: History) -> None:
    history.inboxes[SHELTER].pop()


def other_webhook_id(history: History) -> None:
    history.notices[1] = (UUID(int=777), history.notices[1][1])


def no_notice(history: History) -> None:
    history.notices.pop()


def webhook_order(history: History) -> None:
    history.notices.reverse()


def primero_order(history: History) -> None:
    later = told(4, MINISTRY, recalled=True)
    history.told.append(later)
    history.primero.insert(1, PrimeroEffect("referral_created", UUID(int=9), later.alias))


def two_cases(history: History) -> None:
    history.primero.append(history.primero[0])


def two_referrals(history: History) -> None:
    history.primero.insert(1, history.primero[1])


def no_referral(history: History) -> None:
    history.told[2] = replace(history.told[2], recalled=False)
    del history.primero[1:]


def opened_after_closing(history: History) -> None:
    history.openings.append(Opening(UUID(int=3), AT + timedelta(seconds=2)))


def opened_under_nothing(history: History) -> None:
    history.openings.append(Opening(UUID(int=55), AT))


def sent_without_opening(history: History) -> None:
    history.openings.pop(0)


def seen_without_opening(history: History) -> None:
    history.seen.append(UUID(int=102))


def not_taken_back(history: History) -> None:
    history.told[2] = replace(history.told[2], recalled=False)


def taken_back_from_another(history: History) -> None:
    history.told[0] = replace(history.told[0], recalled=True)


def recall_waits(history: History) -> None:
    history.waiting_recalls.add(UUID(int=3))


def still_standing(history: History) -> None:
    history.primero.pop()


@pytest.mark.parametrize(
    ("breakage", "says"),
    [
        (undecided, "never decided"),
        (unreached, "did not reach"),
        (gap, "gap"),
        (twice_in_inbox, "twice"),
        (not_in_inbox, "in no inbox"),
        (other_webhook_id, "another webhook id"),
        (no_notice, "got no notice"),
        (inbox_order, "the inbox of shelter-th: the lane"),
        (webhook_order, "the webhook: the lane"),
        (primero_order, "Primero: the lane"),
        (two_cases, "2 times"),
        (two_referrals, "more than one referral"),
        (no_referral, "never reached Primero"),
        (opened_after_closing, "after its gate had closed"),
        (opened_under_nothing, "unknown dispatch"),
        (sent_without_opening, "reached Primero without a recorded opening"),
        (seen_without_opening, "seen by its recipient without"),
        (not_taken_back, "withdrawn and not taken back"),
        (taken_back_from_another, "nobody had withdrawn it"),
        (recall_waits, "waits behind what is parked"),
        (still_standing, "still stands"),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_each_broken_promise_is_seen(breakage: Callable[[History], None], says: str) -> None:
    """One promise broken, and the checker names it."""
    history = good()
    breakage(history)
    assert any(says in sentence for sentence in broken_promises(history))

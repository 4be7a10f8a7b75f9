"""``sampan review``: questions that wait for a person."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from contracts.api import ReviewItem
from contracts.errors import InvalidInput, NotFound
from services.cli.group import SampanGroup
from services.cli.labels import event_label
from services.cli.session import As, Json, Session

app = typer.Typer(
    help="Questions that wait for a person.\n\nExample: sampan review list --as ida-th",
    cls=SampanGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)
Review = Annotated[str, typer.Argument(metavar="REVIEW", help="First digits of its id (4 at least).")]


@app.command("list")
def list_reviews(
    context: typer.Context,
    as_: As = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is resolved.")] = False,
    as_json: Json = False,
) -> None:
    """What waits, soonest deadline first.

    Example: sampan review list --as ida-th
    """
    session = Session(context, as_, as_json)
    reviews = session.api.reviews(everything)
    session.screen.json([review.model_dump(mode="json") for review in reviews])
    if not reviews:
        session.screen.say("No review waits for you.")
        return
    session.screen.table(
        "Reviews",
        ["review", "case", "event", "why it waits", "by", "options", "state"],
        [
            (
                str(review.review)[:8],
                review.case_code,
                event_label(review.event),
                review.reason,
                f"{session.local(review.deadline_at)} ({session.until(review.deadline_at)})"
                if review.deadline_at
                else "",
                review.options,
                review.state,
            )
            for review in reviews
        ],
    )


@app.command("show")
def show(context: typer.Context, review: Review, as_: As = None, as_json: Json = False) -> None:
    """One review in full: why it waits, by which rules, what is asked.

    Example: sampan review show 0198c2f1 --as ida-th
    """
    session = Session(context, as_, as_json)
    found = session.api.review(_find(session, review).review)
    session.screen.json(found.model_dump(mode="json"))
    session.screen.table(
        f"Review {str(found.review)[:8]}",
        ["", "value"],
        [
            ("case", found.case_code),
            ("event", event_label(found.event)),
            ("desk", found.desk),
            ("opened", session.local(found.opened_at)),
            ("by", session.local(found.deadline_at)),
            ("why it waits", found.reason),
            ("rules", found.rules),
            ("asks", found.asks),
            ("options", found.options),
            ("second person", "needed" if found.needs_second_person else "not needed"),
            ("state", found.state),
        ],
    )


@app.command("resolve")
def resolve(
    context: typer.Context,
    review: Review,
    reason: Annotated[str, typer.Option("--reason", help="Why; recorded.")],
    release: Annotated[bool, typer.Option("--release", help="Let it go to whom it was held from.")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="Keep it from them for good.")] = False,
    second: Annotated[
        str | None,
        typer.Option("--second", metavar="AGENCY/PERSON", help="The second person, where one is needed."),
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option("--limit", metavar="GROUPS/DURATION", help="Release no more than this: 'F3', '30d', 'F0 F3 30d'."),
    ] = None,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Decide: --release or --refuse.

    Example: sampan review resolve 0198c2f1 --refuse --reason "Fear of the state confirmed" --as ida-th
    """
    session = Session(context, as_, as_json)
    if release == refuse:
        raise InvalidInput("say either --release or --refuse.", code="no-decision", field="--release")
    found = _find(session, review)
    if found.needs_second_person and release and not second:
        raise InvalidInput(
            "releasing this needs a second person.",
            code="second-person-needed",
            field="--second",
            remedy="Name the second person with --second.",
        )
    done = session.api.resolve(found.review, "release" if release else "refuse", reason, second, limit)
    session.screen.json(done.model_dump(mode="json"))
    session.screen.say(f"Review {str(done.review)[:8]}: {done.state}.", "green")


def _find(session: Session, name: str) -> ReviewItem:
    digits = name.strip().lower().replace("-", "")
    found: dict[UUID, ReviewItem] = {}
    if len(digits) >= 4:
        found = {
            review.review: review
            for review in session.api.reviews(True)
            if review.review.hex.startswith(digits)
        }
    if len(found) != 1:
        raise NotFound(
            "no review goes by that name." if not found else "several reviews begin like that.",
            code="no-such-review",
            field="REVIEW",
            remedy="See `sampan review list --all`; write 4 digits at least.",
        )
    return next(iter(found.values()))

"""``sampan lanes``: deliveries that are late or parked, and what could not be read. Nothing of a case is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from contracts.api import LaneItem
from contracts.errors import NotFound
from services.cli.group import SampanGroup
from services.cli.screen import text
from services.cli.session import As, Json, Session

app = typer.Typer(
    help="Deliveries that are late or parked.\n\nExample: sampan lanes list --as operator",
    cls=SampanGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
def list_lanes(context: typer.Context, as_: As = None, as_json: Json = False) -> None:
    """Lanes with something waiting in them.

    Example: sampan lanes list --as operator
    """
    session = Session(context, as_, as_json)
    lanes = session.api.lanes()
    session.screen.json([lane.model_dump(mode="json") for lane in lanes])
    if not lanes:
        session.screen.say("Every lane flows.")
    else:
        _show(session, lanes)
    if not as_json:
        _say_dead_letters(session)


def _say_dead_letters(session: Session) -> None:
    """One line where records wait that nobody could read; an older server, which does not count them, has none."""
    try:
        counts = session.api.dead_letters()
    except NotFound:
        return
    if counts:
        said = ", ".join(f"{each.topic} {each.waiting}" for each in counts)
        session.screen.say(f"Dead letters wait: {said}. See: sampan kafka dead-letters list.", "yellow")


def _show(session: Session, lanes: Sequence[LaneItem]) -> None:
    session.screen.table(
        "Lanes",
        ["lane", "to", "by", "waiting", "state", "tries", "next try", "what went wrong"],
        [
            (
                str(lane.lane)[:8],
                lane.recipient,
                lane.channel,
                lane.waiting,
                text(lane.state, "red" if lane.state in ("parked", "unknown") else "yellow"),
                lane.attempts,
                session.local(lane.next_attempt_at),
                lane.error_code,
            )
            for lane in lanes
        ],
    )


@app.command("dead-letters")
def dead_letters(context: typer.Context, as_: As = None, as_json: Json = False) -> None:
    """How many records on the log's topics were not ours and wait for somebody, by topic.

    Example: sampan lanes dead-letters --as operator
    """
    session = Session(context, as_, as_json)
    counts = session.api.dead_letters()
    session.screen.json([each.model_dump(mode="json") for each in counts])
    if not counts:
        session.screen.say("No dead letter waits.")
        return
    session.screen.table("Dead letters", ["topic", "waiting"], [(each.topic, each.waiting) for each in counts])


@app.command("release")
def release(
    context: typer.Context,
    lane: Annotated[str, typer.Argument(metavar="LANE", help="First digits of its id (4 at least).")],
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Try a parked lane again, from the dispatch at its head.

    Example: sampan lanes release 7d1e --as operator
    """
    session = Session(context, as_, as_json)
    digits = lane.strip().lower().replace("-", "")
    found = [each for each in session.api.lanes() if len(digits) >= 4 and each.lane.hex.startswith(digits)]
    if len(found) != 1:
        raise NotFound(
            "no lane goes by that name." if not found else "several lanes begin like that.",
            code="no-such-lane",
            field="LANE",
            remedy="See `sampan lanes list`; write 4 digits at least.",
        )
    session.api.release_lane(found[0].lane)
    session.screen.json({"released": str(found[0].lane)})
    session.screen.say(f"Lane {str(found[0].lane)[:8]} to {found[0].recipient} is tried again.", "green")

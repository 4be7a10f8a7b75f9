"""``sampan edge``: an edge in the agency's own house, with a key that never leaves it."""

from __future__ import annotations

import base64
import secrets
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from contracts.edge_api import EdgeEnrolled
from contracts.errors import SetupProblem
from services.cli.group import SampanGroup
from services.cli.session import As, Json, Session
from services.client.edge_home import enrol
from services.client.errors import NotSampan

app = typer.Typer(
    help="Open and deliver in your agency's own house, with a key of your own.\n\n"
    "Example: sampan edge init --as rfp-kh --home edge/",
    cls=SampanGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
Home = Annotated[
    Path, typer.Option("--home", envvar="SAMPAN_EDGE_HOME", help="Folder of the edge: its key and its token.")
]


@app.command("init")
def init(
    context: typer.Context,
    home: Home = Path("edge"),
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Replace the key that lies here; the old one ends at once.")
    ] = False,
    as_: As = None,
    as_json: Json = False,
) -> None:
    """Make the edge's key, register its public part, get the edge's token. Repeatable; run it to renew the token.

    From then on the server opens nothing for your agency: what waits is claimed by this edge, and by nobody else.

    Example: sampan edge init --as rfp-kh --home edge/
    """
    session = Session(context, as_, as_json)

    def register(public_key: bytes) -> EdgeEnrolled:
        body = {"public_key": base64.b64encode(public_key).decode()}
        answer = session.api.line.post("/v1/edge/keys", body, repeatable=True)
        try:
            return EdgeEnrolled.model_validate(answer)
        except ValidationError:
            raise NotSampan(
                "the server's answer is not one that Sampan gives.", remedy="Check SAMPAN_URL."
            ) from None

    enrolled = enrol(home, session.home.url, secrets.token_bytes, register, new_key=new_key)
    session.screen.json(enrolled.model_dump(mode="json", exclude={"token"}))
    session.screen.say(
        f"The edge of {enrolled.agency} is registered with {enrolled.key_id}; it performs: "
        + ", ".join(enrolled.channels) + ".", "green",
    )  # fmt: skip
    session.screen.say(f"Its token holds until {session.local(enrolled.token_expires_at)}.")
    session.screen.say(f"Next: sampan edge run --home {home} --targets targets.yaml")


@app.command("run")
def run(
    home: Home = Path("edge"),
    targets: Annotated[
        Path, typer.Option("--targets", envvar="SAMPAN_TARGETS", help="Where your agency's own system is.")
    ] = Path("targets.yaml"),
    host: Annotated[str, typer.Option("--host", help="Where /readyz and /metrics answer.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="On which port.", min=0, max=65535)] = 8429,
    demo: Annotated[
        bool, typer.Option("--demo", envvar="SAMPAN_DEMO", help="Your system is the demo's, on this machine.")
    ] = False,
) -> None:
    """Claim what waits for your agency, open it here, and write it into your own system. SIGTERM and Ctrl-C drain.

    Example: sampan edge run --home edge/ --targets targets.yaml
    """
    try:
        process = import_module("services.assembly.own_edge")
        settings = import_module("services.assembly.settings")
    except ModuleNotFoundError as missing:
        raise SetupProblem(
            f"this needs the package {missing.name}, which is not installed.", code="not-installed",
            remedy='Install the server part with: pip install "sampan[server]".',
        ) from None  # fmt: skip
    http = settings.HttpSettings(host=host, port=port)
    process.run_edge(home, targets, http, typer.echo, allow_loopback=demo)

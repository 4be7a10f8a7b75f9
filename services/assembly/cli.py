"""``sampan serve``: what the operator types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.assembly.serve import serve as run_server
from services.assembly.settings import HttpSettings, ServerSettings


def serve(
    data: Annotated[Path, typer.Option("--data", help="Folder for everything that is kept.")] = Path("data"),
    host: Annotated[str, typer.Option("--host", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="On which port.", min=0, max=65535)] = 8420,
    demo: Annotated[
        bool, typer.Option("--demo", help="Sample region, demo agencies, one referral carried across.")
    ] = False,
) -> None:
    """Run a Sampan server: all services in one process, on an embedded PostgreSQL.

    Settings not named here are read from SAMPAN_… variables (SAMPAN_PASSPHRASE, SAMPAN_REGION,
    SAMPAN_DATABASE_URL). Ctrl-C stops cleanly.

    Example: sampan serve --demo
    """
    settings = ServerSettings(data=data, demo=demo, http=HttpSettings(host=host, port=port))
    run_server(settings, typer.echo)

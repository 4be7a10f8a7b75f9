"""What every command needs: who asks, the line to the server, the clock, the screen."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from contracts.api import AgencyInfo
from contracts.errors import SampanError
from services.cli.screen import Screen
from services.client.api import Api
from services.client.home import Home, Profile, find_home
from services.client.http import Connection
from services.client.known import Known
from services.client.secret import Secret
from services.client.sending import Sender
from services.client.spool import Spool
from services.runtime.clock import Clock, SystemClock

As = Annotated[
    str | None,
    typer.Option("--as", metavar="AGENCY", envvar="SAMPAN_AS", help="In whose name, such as ngo-th."),
]
Json = Annotated[bool, typer.Option("--json", help="One line of JSON instead of tables.")]
SOON_HOURS: Final = 24


class Session:
    """One run of a command. Everything is made when first asked for, so that help needs no server."""

    clock: Clock = SystemClock()
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def __init__(self, context: typer.Context, asked: str | None = None, as_json: bool = False) -> None:
        self.screen = Screen(as_json)
        self._asked = asked
        context.find_root().obj = self
        context.call_on_close(self.close)

    @cached_property
    def home(self) -> Home:
        return find_home(os.environ, Path.cwd())

    @cached_property
    def profile(self) -> Profile:
        return self.home.choose(self._asked)

    @cached_property
    def api(self) -> Api:
        return Api(
            Connection(
                self.home.url, self.profile.token, sleep=self.sleep, jitter=random.SystemRandom().random
            )
        )

    @cached_property
    def known(self) -> Known:
        return Known(self.home.folder, self.home.url, self.api)

    @cached_property
    def me(self) -> AgencyInfo:
        return self.known.me(self.profile.agency)

    @cached_property
    def secret(self) -> Secret:
        return Secret.at(self.home.folder, secrets.token_bytes)

    @cached_property
    def ids(self) -> Secret:
        """What ids of documents derive from: the same on every machine that holds the agency's key."""
        return Secret.of_agency(self.profile.key.seed) if self.profile.key else self.secret

    @cached_property
    def spool(self) -> Spool:
        return Spool(self.home.folder / "spool" / self.profile.agency)

    @cached_property
    def sender(self) -> Sender:
        from services.client.sealing import sealer  # loads the cryptography, only to send

        instance, me = self.known.instance(), self.me
        seal = sealer(self.profile, instance, me, random=secrets.token_bytes, now=self.clock.now)
        return Sender(self.spool, self.secret, seal, self.api.submit)

    @cached_property
    def flusher(self) -> Sender:
        """A sender for what is sealed already; needs neither key nor the server's answer to begin."""

        def never(event: object) -> bytes:
            raise SampanError("nothing is sealed while flushing", code="defect")

        return Sender(self.spool, self.secret, never, self.api.submit)

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The agency's time zone; None means this machine's."""
        try:
            return ZoneInfo(self.me.timezone)
        except (SampanError, ZoneInfoNotFoundError, ValueError):
            return None

    def local(self, moment: datetime | None) -> str:
        """A moment in local time, with the zone's name: ``Tue 24 Nov 2026 09:30 +07``."""
        if moment is None:
            return ""
        return moment.astimezone(self.zone).strftime("%a %d %b %Y %H:%M %Z")

    def until(self, moment: datetime | None) -> str:
        """How far a deadline is: ``in 3 h 20 min``, ``2 d late``."""
        if moment is None:
            return "no deadline"
        seconds = (moment - self.clock.now()).total_seconds()
        minutes = int(abs(seconds) // 60)
        days, hours = minutes // 1440, minutes % 1440 // 60
        if days:
            span = f"{days} d" + (f" {hours} h" if hours and days < 7 else "")
        elif hours:
            span = f"{hours} h {minutes % 60:02} min"
        else:
            span = f"{minutes} min"
        return f"in {span}" if seconds >= 0 else f"{span} late"

    def close(self) -> None:
        """Let go of the line, if there ever was one."""
        if "api" in self.__dict__:
            self.api.line.close()

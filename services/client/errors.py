"""What can go wrong between this machine and the server.

SampanError
 ├── TryLater ─┬ NoConnection      the server was not reached; what was sealed waits in the spool
 │             └ ServerFault       it was reached and failed at this very request
 ├── NotSampan                     something else answers at the address
 └── SetupProblem ── SpoolFull     no room on the disk; the original document is untouched
"""

from __future__ import annotations

from contracts.errors import SampanError, SetupProblem, TryLater


class NoConnection(TryLater):
    """The server could not be reached, or did not answer in time."""

    default_code = "no-connection"


class ServerFault(TryLater):
    """The server answered that it failed (5xx other than 503): perhaps at this request alone.

    Args:
        status: the answer's HTTP status.
    """

    default_code = "server-fault"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str | None = None,
        field: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, code=code, field=field, remedy=remedy)
        self.status = status


class NotSampan(SampanError):
    """What answers at the address is no Sampan server: a wrong address, or a page that wants a log-in."""

    default_code = "not-a-sampan-server"


class SpoolFull(SetupProblem):
    """The disk has no room for one more sealed submission. Nothing was half written."""

    default_code = "disk-full"

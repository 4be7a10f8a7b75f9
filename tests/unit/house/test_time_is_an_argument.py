"""Time comes in as an argument: a replay, a test and an audit see the time that the record saw."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.repository import PACKAGES, dotted, files, python_files, strings, text, tree

CLOCK = Path("services/runtime/clock.py")
ASKS_THE_MACHINE = frozenset(
    {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "date.today",
        "datetime.date.today",
        "time.time",
        "time.time_ns",
        "time.localtime",
        "time.gmtime",
    }
)
SQL_CLOCK = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(|"
    r"\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
SQL = re.compile(r"\b(select|insert\s+into|update|delete\s+from|values|default)\b", re.IGNORECASE)

# Where SQL may ask the database's clock, because nothing is decided by the answer.
SQL_CLOCK_ALLOWED: dict[Path, str] = {}


def asks_of(module: ast.Module) -> list[tuple[int, str]]:
    """Calls and references that ask the machine for the date or the time of day."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for alias in node.names
        if f"time.{alias.name}" in ASKS_THE_MACHINE
    }
    found = []
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and dotted(node) in ASKS_THE_MACHINE:
            found.append((node.lineno, dotted(node)))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in imported:
            found.append((node.lineno, f"time.{node.id}"))
    return found


def test_only_the_clock_asks_the_machine_what_time_it_is() -> None:
    """``datetime.now`` and its kin stand in services/runtime/clock.py and nowhere else."""
    found = [
        f"{path}:{line}: {name}"
        for path in python_files(*PACKAGES)
        if path != CLOCK
        for line, name in asks_of(tree(path))
    ]
    assert not found, "take the time from the Clock that is passed in:\n" + "\n".join(found)


def test_the_clock_itself_is_where_this_house_thinks() -> None:
    """The one exception exists and does ask, so that the rule above is about something."""
    assert asks_of(tree(CLOCK))


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\nx = datetime.utcnow",
        "import time\ntime.time()",
        "from time import time as t\nt()",
        "from datetime import date\ndate.today()",
    ],
)
def test_the_rule_sees_each_way_of_asking(source: str) -> None:
    """Calling, passing on and renaming the machine's clock are all seen."""
    assert asks_of(ast.parse(source))


def test_sql_files_ask_no_clock() -> None:
    """No statement in a .sql file calls now() or a relative: record times are arguments."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in files()
        if path.suffix == ".sql" and path not in SQL_CLOCK_ALLOWED
        for number, line in enumerate(text(path).splitlines(), 1)
        if SQL_CLOCK.search(line.partition("--")[0])
    ]
    assert not found, "pass the record's time as an argument:\n" + "\n".join(found)


def test_sql_in_strings_asks_no_clock() -> None:
    """No SQL beside a function calls now() or a relative either."""
    found = [
        f"{path}:{line}"
        for path in python_files(*PACKAGES)
        if path not in SQL_CLOCK_ALLOWED
        for line, value in strings(path)
        if SQL.search(value) and SQL_CLOCK.search(value)
    ]
    assert not found, "pass the record's time as a parameter:\n" + "\n".join(found)


def test_each_exception_still_needs_to_be_one() -> None:
    """A file that no longer asks the database's clock leaves the list of exceptions."""
    idle = [str(path) for path in SQL_CLOCK_ALLOWED if not SQL_CLOCK.search(text(path))]
    assert not idle, f"strike from SQL_CLOCK_ALLOWED: {idle}"

"""Write docs/adr/README.md, the index of decisions, from the decisions; or check that it is in step.

    python docs/adr/index.py            write the index
    python docs/adr/index.py --check    say what differs and exit with 1

A decision is a file ``NNNN-slug.md``. Its first heading is its title; Date, Status and Tags are read from a
table row (``| Date | 2026-11-24 |``) or a line (``Date: 2026-11-24``) above the first second-level heading.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
INDEX = HERE / "README.md"
NAME = re.compile(r"(?P<number>\d{4})-[a-z0-9][a-z0-9-]*\.md")
TITLE = re.compile(r"^#\s+(?:ADR[- ]?)?(?:\d{1,4}\s*[.:-]?\s*)?(?P<title>\S.*?)\s*$", re.MULTILINE)
STATUSES = ("proposed", "accepted", "partly superseded", "superseded", "rejected")

HEAD = """# Decisions

Each choice worth arguing has a page: its context, what was decided, and what follows from it. A decision is
never rewritten: a later one amends it and says which. [template.md](template.md) is the form, and
`python docs/adr/index.py` writes this page.

| no. | decision | status | date | tags |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Adr:
    """One decision as the index shows it."""

    number: str
    file: str
    title: str
    status: str
    date: str
    tags: str

    def row(self) -> str:
        """Its line of the index."""
        return f"| {self.number} | [{self.title}]({self.file}) | {self.status} | {self.date} | {self.tags} |"


class BadAdrError(Exception):
    """A decision that lacks something the index needs; the message names file and mend."""


def field(head: str, name: str, file: str) -> str:
    """The value of a header field, from a table row or a ``Name: value`` line."""
    pattern = rf"^[|*\-\s]*{name}[*:\s]*[|:][*\s]*(?P<value>[^|\n]*?)[|*\s]*$"
    match = re.search(pattern, head, re.MULTILINE | re.IGNORECASE)
    if match is None or not match["value"]:
        raise BadAdrError(f"docs/adr/{file}: no {name} (add a row | {name} | … | below the title)")
    return match["value"]


def read(path: Path) -> Adr:
    """Read one decision's head."""
    name = NAME.fullmatch(path.name)
    if name is None:
        raise BadAdrError(f"docs/adr/{path.name}: name it NNNN-words-with-hyphens.md")
    text = path.read_text(encoding="utf-8")
    head = text.partition("\n## ")[0]
    title = TITLE.search(head)
    if title is None:
        raise BadAdrError(f"docs/adr/{path.name}: no title (begin with '# {name['number']}. Title')")
    status = field(head, "Status", path.name).lower()
    if not status.startswith(STATUSES):
        raise BadAdrError(f"docs/adr/{path.name}: status is one of {', '.join(STATUSES)}")
    date = field(head, "Date", path.name)
    return Adr(
        name["number"], path.name, title["title"], status, date, field(head, "Tags", path.name).lower()
    )


def index(folder: Path) -> str:
    """The text of the index for the decisions in ``folder``.

    Raises:
        BadAdrError: a decision lacks a field, or two bear one number.
    """
    adrs = [
        read(path) for path in sorted(folder.glob("*.md")) if path.name not in {"README.md", "template.md"}
    ]
    seen: dict[str, str] = {}
    for adr in adrs:
        if adr.number in seen:
            raise BadAdrError(f"docs/adr/{adr.file}: number {adr.number} is taken by {seen[adr.number]}")
        seen[adr.number] = adr.file
    return HEAD + "\n".join(adr.row() for adr in adrs) + "\n"


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    try:
        text = index(HERE)
    except BadAdrError as error:
        print(error, file=sys.stderr)
        return 1
    if "--check" not in arguments:
        INDEX.write_text(text, encoding="utf-8")
        return 0
    if not INDEX.is_file() or INDEX.read_text(encoding="utf-8") != text:
        print("docs/adr/README.md is behind: run python docs/adr/index.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

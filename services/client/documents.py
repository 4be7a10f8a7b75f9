"""Reading a sender's JSON: one event, a list of events, or one event a line (NDJSON).

What stays out is filled in: ``sender`` from the profile, ``occurred_at`` by the clock, ids from the content,
so that the same document sent again is the same submission. Errors name field and remedy, never a value.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.errors import InvalidInput, SampanError, SetupProblem
from contracts.open_event import OpenEvent
from services.client.rows import Row
from services.client.secret import Secret

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
EVENTS_MAX: Final = 10_000
_CONTROLLED: Final = {
    "missing": ("this field is missing.", "Add it."),
    "extra_forbidden": (
        "this field is not known to this version of Sampan.",
        "Check its spelling; if the document is from a newer version, update sampan.",
    ),
    "timezone_aware": ("a time needs its zone.", "Write it like 2026-11-24T09:30:00+07:00."),
    "string_pattern_mismatch": ("this is not written as it should be.", "See the schema of the open event."),
    "string_too_long": ("this is too long.", "Shorten it."),
    "too_long": ("these are too many.", "Send fewer."),
    "too_short": ("at least one is needed.", "Add one."),
}


def read_document(path: Path) -> bytes:
    """The bytes of a sender's file.

    Raises:
        SetupProblem: it cannot be read, or is no regular file.
        InvalidInput: it is empty or larger than :data:`FILE_BYTES_MAX`.
    """
    try:
        found_at = path.stat()
        if not stat.S_ISREG(found_at.st_mode):  # a device or a pipe may never end
            raise SetupProblem(
                "this is not a file.", code="no-file", field=path.name, remedy="Name a file, not a folder or device."
            )  # fmt: skip
        if found_at.st_size > FILE_BYTES_MAX:
            raise InvalidInput(
                f"the file is larger than {FILE_BYTES_MAX // 1024 // 1024} MB.",
                code="file-too-large",
                field=path.name,
                remedy="Split it, and take pictures out.",
            )
        content = path.read_bytes()
    except OSError as error:
        found = (
            "there is no such file." if isinstance(error, FileNotFoundError) else "this file cannot be read."
        )
        raise SetupProblem(
            found, code="no-file", field=path.name, remedy="Check its name and folder."
        ) from None
    if not content.strip():
        raise InvalidInput("the file is empty.", code="empty-file", field=path.name)
    return content


def looks_like_json(content: bytes) -> bool:
    """Whether a document is JSON rather than a workbook, by its first byte."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def rows_of_json(content: bytes, *, sender: str, secret: Secret, now: datetime) -> list[Row]:
    """The events of a JSON document as rows.

    Raises:
        InvalidInput: not JSON at all, so that not even rows can be told apart.
    """
    rows = []
    for number, document in enumerate(_documents(content), 1):
        label = f"event {number}"
        if isinstance(document, SampanError):
            rows.append(Row(label, problems=(document,)))
            continue
        try:
            event, known_by = _event(document, sender, secret, now)
        except SampanError as problem:
            rows.append(Row(label, problems=(problem,)))
        else:
            rows.append(Row(label, (event,), (known_by,)))
    return rows


def read_event(document: object) -> OpenEvent:
    """Validate a decoded JSON document.

    Raises:
        InvalidInput: names the first offending field, never its value.
    """
    try:
        return OpenEvent.model_validate(document)
    except ValidationError as error:
        raise in_words(error) from None


def in_words(error: ValidationError) -> InvalidInput:
    """A validation error as one sentence: the field and what is wrong with it, without the input."""
    details = error.errors(include_url=False, include_context=True, include_input=False)
    first = details[0]
    sentence, remedy = _CONTROLLED.get(
        first["type"], ("this cannot be read.", "See the schema of the open event.")
    )
    expected = first.get("ctx", {}).get("expected")
    if first["type"] in ("enum", "literal_error") and isinstance(expected, str):
        sentence, remedy = "this is not one of the values it can have.", f"It can be {expected[:400]}."
    others = len(details) - 1
    more = f" {others} more field{'s' if others > 1 else ''} to mend." if others else ""
    return InvalidInput(sentence, code="bad-field", field=_path(first["loc"]), remedy=remedy + more)


def _event(document: object, sender: str, secret: Secret, now: datetime) -> tuple[OpenEvent, bytes]:
    if not isinstance(document, dict):
        raise InvalidInput(
            "an event is a JSON object.", code="bad-json", remedy="Write { … } for each event."
        )
    known_by = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()
    if document.get("sender", sender) != sender:
        raise InvalidInput(
            "the document says that another agency sends it.",
            code="sender-of-another-agency",
            field="sender",
            remedy="Leave it out, or choose the agency with --as.",
        )
    filled = {
        "sender": sender,
        "occurred_at": now.isoformat(),
        "event_id": str(secret.uuid("event", known_by)),
        "submission_id": str(secret.uuid("submission", known_by)),
        **document,
    }
    return read_event(filled), known_by


def _documents(content: bytes) -> Iterator[object]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"the file is not UTF-8 text (byte {error.start}).", code="bad-json", remedy="Save it as UTF-8."
        ) from None
    whole = _decoded(text)
    # Not splitlines(): U+2028 and its like end no line of NDJSON, and may stand raw inside a JSON string.
    lines = [line for line in text.split("\n") if line.strip()]
    if not isinstance(whole, SampanError):
        found: Sequence[object] = whole if isinstance(whole, list) else [whole]
    elif len(lines) > 1 and not isinstance(_decoded(lines[0]), SampanError):
        found = [_decoded(line) for line in lines]
    else:
        raise whole
    if len(found) > EVENTS_MAX:
        raise InvalidInput(
            f"the file holds more than {EVENTS_MAX} events.", code="too-many-events", remedy="Split it."
        )
    yield from found


def _decoded(text: str) -> Any:
    """The decoded JSON, or the problem with it (an error is a value here: a bad line stops no other)."""
    try:
        return json.loads(text, object_pairs_hook=_no_key_twice, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place, why = f"line {error.lineno}, column {error.colno}", "is broken"
    except RecursionError:
        place, why = "the document", "is nested too deeply"
    except _Odd as odd:
        place, why = "the document", odd.args[0]
    except ValueError:  # a number of more digits than Python reads
        place, why = "the document", "holds a number that is too long"
    return InvalidInput(
        f"the JSON {why}.", code="bad-json", field=place, remedy="Mend it there and send it again."
    )


class _Odd(Exception):
    """JSON that readers disagree about."""


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _Odd("has the same key twice in one object")
    return document


def _no_constant(name: str) -> Any:
    raise _Odd("holds NaN or Infinity, which JSON does not have")


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part.isidentifier():  # leaves out pydantic's own names of union branches
            path += f".{part}" if path else part
    return path[:120]

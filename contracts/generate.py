"""Writes the schemas from the models, and refuses to break what was written with older ones.

python -m contracts.generate            write what is missing; a changed model becomes the next version
python -m contracts.generate --amend    rewrite the newest version in place (only before a release carries it)
python -m contracts.generate --check    change nothing; fail on drift or incompatibility (what CI runs)
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from contracts import schema_ids
from contracts.avro import schema_of
from contracts.compatibility import incompatibilities
from contracts.control import ControlPayload
from contracts.errors import SampanError, SetupProblem
from contracts.families import CountsPayload
from contracts.groups import GROUP_MODELS
from contracts.open_event import OpenEvent
from contracts.records import DecisionRecord, DeliveryEvent, DispatchRecord, PartnerNotice, RunningEvent
from contracts.schema_ids import FOLDER, LOCK, LockedSchema, fingerprint_of, fingerprint_of_text

MODELS: Final[tuple[type[BaseModel], ...]] = (
    RunningEvent, DispatchRecord, DecisionRecord, DeliveryEvent,
    ControlPayload, *GROUP_MODELS.values(), CountsPayload, PartnerNotice,
)  # fmt: skip
"""What is written as Avro. The sealed event's own two schemas are by hand: the seal fixes their bytes."""

BY_HAND: Final = ("sealed_event.v1", "sealed_submission.v1")
JSON_MODELS: Final[tuple[type[BaseModel], ...]] = (OpenEvent,)
HEADER: Final = (
    "# id name fingerprint; lines are only ever added. Written by `python -m contracts.generate`.\n"
)


def snake(name: str) -> str:
    """``ControlPayload`` → ``control_payload``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def written(schema: Any) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def newest(subject: str, lock: tuple[LockedSchema, ...]) -> LockedSchema | None:
    """The newest locked version of a subject."""
    return max((row for row in lock if row.subject == subject), key=lambda row: row.version, default=None)


def refuse_breaking(subject: str, schema: Any, lock: tuple[LockedSchema, ...]) -> None:
    """Compare a schema with every committed version, both ways.

    Raises:
        SetupProblem: some reader could not read some writer; names the fields.
    """
    for row in lock:
        if row.subject != subject:
            continue
        old = json.loads(row.text())
        bad = [f"new reader, {why}" for why in incompatibilities(schema, old)]
        bad += [f"old reader, {why}" for why in incompatibilities(old, schema)]
        if bad:
            raise SetupProblem(
                f"{subject} would break {row.name}: " + "; ".join(bad),
                code="incompatible-schema",
                remedy="Give new fields a default and keep old types; before a release carries it: --amend.",
            )


def changes(amend: bool) -> Iterator[tuple[Path, str]]:
    """Files that must be written, with their text; none when models and files agree.

    Raises:
        SetupProblem: a change that old or new readers could not read.
    """
    lock = list(schema_ids.read_lock(LOCK.read_text(encoding="utf-8")) if LOCK.exists() else ())
    for name in BY_HAND:
        _lock_in(
            lock, name, fingerprint_of_text((FOLDER / f"{name}.avsc").read_text(encoding="utf-8")), amend
        )
    for model in MODELS:
        subject, schema = snake(model.__name__), schema_of(model)
        current = newest(subject, tuple(lock))
        same = current is not None and current.fingerprint == fingerprint_of(schema)
        if current is not None and not amend:  # defaults do not enter the fingerprint: compare always
            refuse_breaking(subject, schema, tuple(lock))
        version = 1 if current is None else current.version + (0 if same or amend else 1)
        name = f"{subject}.v{version}"
        _lock_in(lock, name, fingerprint_of(schema), amend)
        yield FOLDER / f"{name}.avsc", written(schema)
    for json_model in JSON_MODELS:
        yield FOLDER / f"{snake(json_model.__name__)}.v1.json", written(json_model.model_json_schema())
    yield LOCK, HEADER + "".join(f"{row.schema_id} {row.name} {row.fingerprint}\n" for row in lock)


def _lock_in(lock: list[LockedSchema], name: str, fingerprint: str, amend: bool) -> None:
    for place, row in enumerate(lock):
        if row.name == name:
            if row.fingerprint != fingerprint and not amend:
                raise SetupProblem(f"{name} is locked and has changed", code="changed-schema",
                                   remedy="Make a new version; old records keep the old one.")  # fmt: skip
            lock[place] = LockedSchema(row.schema_id, name, fingerprint)
            return
    lock.append(LockedSchema(len(lock) + 1, name, fingerprint))


def asyncapi_change() -> tuple[Path, str]:
    """The AsyncAPI document, from the lock and the schema files as they stand on disk."""
    from contracts.asyncapi import document  # topics need the lock, which a first run writes

    ids = {row.name: row.schema_id for row in schema_ids.read_lock(LOCK.read_text(encoding="utf-8"))}
    return LOCK.with_name("asyncapi.json"), written(document(ids))


def settle(files: Iterable[tuple[Path, str]], check: bool) -> bool:
    """Write what differs, or with ``check`` only say so; whether anything differed."""
    differed = False
    for path, text in files:
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            differed = True
            print(("differs: " if check else "wrote ") + f"contracts/{path.relative_to(LOCK.parent)}")
            if not check:
                path.write_text(text, encoding="utf-8")
    return differed


def main(arguments: list[str]) -> int:
    """Exit code 0 when all agree (or was written), 1 when something must be done."""
    check = "--check" in arguments
    try:
        differed = settle(list(changes("--amend" in arguments)), check)
        differed = settle([asyncapi_change()], check) or differed
    except SampanError as error:
        print(error.sentence())
        return 1
    if differed and check:
        print("Run `python -m contracts.generate` and commit what it writes.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

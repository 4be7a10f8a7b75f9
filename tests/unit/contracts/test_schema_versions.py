"""Schemas, their lock and what a new version may change."""

import copy
import io
import json
from typing import Any

import fastavro
import pytest

import contracts.groups
from contracts import generate
from contracts.avro import schema_of
from contracts.compatibility import incompatibilities
from contracts.control import ControlPayload
from contracts.errors import NotFound, SetupProblem
from contracts.generate import MODELS, changes, newest, refuse_breaking
from contracts.groups import Identity
from contracts.registry import schema, subjects, version, versions
from contracts.schema_ids import FOLDER, SCHEMAS, fingerprint_of_text, read_lock

OLD = {
    "type": "record",
    "name": "Thing",
    "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": ["null", "int"], "default": None}],
}


def changed(change: dict[str, Any] | None, index: int = 1) -> dict[str, Any]:
    """OLD with one field replaced, dropped (None) or, at index 2, added."""
    new = copy.deepcopy(OLD)
    new["fields"][index : index + 1] = [] if change is None else [change]  # type: ignore[index]
    return new


def test_committed_schemas_equal_what_the_models_say() -> None:
    """Nobody can change a model and forget its schema."""
    stale = [path.name for path, text in changes(amend=False) if path.read_text(encoding="utf-8") != text]
    assert stale == []


def test_a_forgotten_schema_is_drift(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that nobody generated fails the check, by name, and the check writes nothing."""

    class Forgotten(Identity):
        pass

    monkeypatch.setattr(generate, "MODELS", (*MODELS, Forgotten))
    assert generate.main(["--check"]) == 1
    assert "forgotten.v1.avsc" in capsys.readouterr().out
    assert not (FOLDER / "forgotten.v1.avsc").exists()


def test_every_locked_schema_has_its_file_and_fingerprint() -> None:
    """An id on the wire leads to exactly one text."""
    assert {row.name: fingerprint_of_text(row.text()) for row in SCHEMAS} == {
        row.name: row.fingerprint for row in SCHEMAS
    }
    assert {path.stem for path in FOLDER.glob("*.avsc")} == {row.name for row in SCHEMAS}


@pytest.mark.parametrize(
    "text", ["2 a.v1 ff", "1 a.v1 ff\n1 b.v1 ff", "1 a.v1 ff\n2 a.v1 ff", "1 a.v1", "1 a.v1 ff\n3 b.v1 ff"]
)
def test_a_damaged_lock_is_refused(text: str) -> None:
    """A gap, a double or a cut line means that somebody renumbered."""
    with pytest.raises(SetupProblem):
        read_lock(text)


@pytest.mark.parametrize(
    "new",
    [
        changed({"name": "c", "type": ["null", "string"], "default": None}, 2),
        changed(None, 1),
        changed({"name": "b", "type": ["null", "int"], "default": None}),
    ],
)
def test_a_field_with_a_default_may_come_and_go(new: dict[str, Any]) -> None:
    """Old and new read each other, and Avro itself agrees."""
    assert incompatibilities(new, OLD) == incompatibilities(OLD, new) == []
    assert really_reads(new, OLD)
    assert really_reads(OLD, new)


@pytest.mark.parametrize(
    ("new", "reader_is_new"),
    [
        (changed({"name": "c", "type": "string"}, 2), True),
        (changed(None, 0), False),
        (changed({"name": "a", "type": "int"}, 0), True),
        (changed({"name": "b", "type": "int", "default": 0}), True),
        (changed({"name": "a", "type": ["null", "string"], "default": None}, 0), False),
    ],
)
def test_a_breaking_change_is_found_in_the_direction_it_breaks(
    new: dict[str, Any], reader_is_new: bool
) -> None:
    """A field without default, another type, a null that an old reader cannot take: Avro itself fails too."""
    reader, writer = (new, OLD) if reader_is_new else (OLD, new)
    assert incompatibilities(reader, writer)
    assert not really_reads(reader, writer)


def really_reads(reader: Any, writer: Any) -> bool:
    """Whether fastavro resolves the two schemas for a record full of what the writer may say."""
    samples: list[dict[str, Any]] = [{}, {}]
    for field in writer["fields"]:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        for sample, kind in zip(samples, (kinds[0], kinds[-1]), strict=True):
            sample[field["name"]] = {"null": None, "string": "x", "int": 7}[kind]
    try:
        for sample in samples:
            buffer = io.BytesIO()
            fastavro.schemaless_writer(buffer, copy.deepcopy(writer), sample)
            buffer.seek(0)
            fastavro.schemaless_reader(buffer, copy.deepcopy(writer), copy.deepcopy(reader))
    except (fastavro.read.SchemaResolutionError, TypeError, ValueError, EOFError):
        return False
    return True


def test_a_model_that_loses_a_field_without_default_is_refused() -> None:
    """The event's name may not vanish from the control slot: old readers need it."""
    broken = schema_of(ControlPayload)
    broken["fields"] = [field for field in broken["fields"] if field["name"] != "event"]
    with pytest.raises(SetupProblem, match="event"):
        refuse_breaking("control_payload", broken, SCHEMAS)
    assert newest("control_payload", SCHEMAS) is not None


def test_the_check_refuses_a_model_that_breaks_old_readers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new field without a default fails in CI, by the name of the schema and the field."""

    class Needs(contracts.groups.Needs):
        urgent: str

    others = tuple(model for model in MODELS if model.__name__ != "Needs")
    monkeypatch.setattr(generate, "MODELS", (*others, Needs))
    assert generate.main(["--check"]) == 1
    assert "needs would break needs.v1: new reader, urgent: missing" in capsys.readouterr().out


def test_the_registry_answers_from_the_lock() -> None:
    """A stranger's Kafka client finds every schema by id and by subject."""
    for row in SCHEMAS:
        assert json.loads(str(schema(row.schema_id)["schema"])) == json.loads(row.text())
        assert row.subject in subjects()
        assert row.version in versions(row.subject)
        assert version(row.subject, str(row.version))["id"] == row.schema_id
    with pytest.raises(NotFound):
        schema(10_000)
    with pytest.raises(NotFound):
        version("identity", "99")
    with pytest.raises(NotFound):
        versions("nothing")

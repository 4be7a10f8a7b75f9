"""Topics as data: nothing orphaned, every example real."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import BaseModel

from contracts import generate, topic_names
from contracts.codec import decode, encode
from contracts.errors import InvalidInput
from contracts.generate import BY_HAND, MODELS, snake
from contracts.open_event import OpenEvent
from contracts.partner_topics import PARTNER_TOPIC, partner_topic
from contracts.schema_ids import SCHEMA_IDS
from contracts.topics import TOPICS, load_topic

ROOT = Path(generate.__file__).parents[1]
EXAMPLES = ROOT / "contracts" / "examples"
ALL_MODELS: tuple[type[BaseModel], ...] = (*MODELS, OpenEvent)
ALL_TOPICS = (*TOPICS.values(), PARTNER_TOPIC)
BY_NAME = {snake(model.__name__): model for model in ALL_MODELS}
INSIDE_THE_SEAL = {
    snake(m.__name__) for m in MODELS if m.__module__ in ("contracts.groups", "contracts.control")
}


def test_every_topic_has_its_dead_letter_topic() -> None:
    """What cannot be framed has a place to go, for each of the five topics."""
    plain = {value for name, value in vars(topic_names).items() if name.isupper()}
    assert set(TOPICS) == plain | {f"{name}-dlq" for name in plain}


@pytest.mark.parametrize("topic", ALL_TOPICS, ids=lambda topic: topic.topic)
def test_a_topic_names_rooms_and_schemas_that_exist(topic) -> None:  # type: ignore[no-untyped-def]
    """Producers and consumers are folders of services, values are in the lock."""
    for room in (*topic.producers, *topic.consumers):
        assert (ROOT / "services" / room / "__init__.py").exists()
    assert set(topic.values) <= set(SCHEMA_IDS)
    assert topic.partitions == 12


@pytest.mark.parametrize("topic", TOPICS.values(), ids=list(TOPICS))
def test_no_topic_is_an_orphan(topic) -> None:  # type: ignore[no-untyped-def]
    """Somebody writes each topic and somebody reads it, unless it is reserved and says so."""
    if topic.reserved:
        assert topic.producers == ()
        return
    assert topic.producers
    assert topic.consumers or topic.topic.endswith("-dlq")


def test_no_schema_is_an_orphan() -> None:
    """Each locked schema stands on a topic, inside the seal, or is what a sender hands in."""
    on_topics = {name for topic in ALL_TOPICS for name in topic.values}
    elsewhere = {name for name in SCHEMA_IDS if name.rpartition(".v")[0] in INSIDE_THE_SEAL}
    assert set(SCHEMA_IDS) - on_topics - elsewhere == {"sealed_submission.v1"}
    assert set(BY_HAND) <= set(SCHEMA_IDS)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.name)
def test_an_example_is_one(path: Path) -> None:
    """Each example is valid and, where it travels as Avro, survives the journey."""
    model = BY_NAME[path.stem]
    made = model.model_validate_json(path.read_text(encoding="utf-8"))
    if model is not OpenEvent:
        assert decode(model, encode(made)) == made


def test_the_examples_named_by_topics_exist_and_no_other() -> None:
    """No topic promises an example that is missing."""
    named = {example for topic in ALL_TOPICS for example in topic.examples}
    assert named <= {path.name for path in EXAMPLES.glob("*.json")}
    expected = {f"{v.rpartition('.v')[0]}.json" for t in ALL_TOPICS for v in t.values if v not in BY_HAND}
    assert named == expected


def test_a_partners_topic_is_named_by_a_random_id_and_shortly_kept() -> None:
    """The name of an agency's own topic tells a stranger nothing; all else follows the template."""
    agency = UUID("00000000-0000-4000-8000-000000000009")
    made = partner_topic(agency)
    assert made.topic == f"partner-{agency}"
    assert replace(made, topic=PARTNER_TOPIC.topic) == PARTNER_TOPIC
    assert made.retention == "7d"


def test_a_topic_file_with_an_unknown_or_missing_key_is_refused() -> None:
    """A typing error does not become a default."""
    with pytest.raises(InvalidInput) as unknown:
        load_topic("topic: x\nretentoin: 3d\n", "x.yaml")
    assert unknown.value.field == "x.yaml:2"
    with pytest.raises(InvalidInput, match="is missing"):
        load_topic("topic: x\n", "x.yaml")


def test_the_open_event_example_matches_its_json_schema() -> None:
    """What the committed JSON Schema accepts is what the example shows."""
    import jsonschema

    schema = json.loads((ROOT / "contracts/schemas/open_event.v1.json").read_text(encoding="utf-8"))
    example = json.loads((EXAMPLES / "open_event.json").read_text(encoding="utf-8"))
    jsonschema.validate(example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**example, "colour": "red"}, schema)


def test_the_asyncapi_document_is_current_and_complete() -> None:
    """Every topic is a channel, every reference leads somewhere, every message names its schema id."""
    path, text = generate.asyncapi_change()
    assert path.read_text(encoding="utf-8") == text
    document = json.loads(text)
    assert set(document["channels"]) == set(TOPICS) | {"partner"}
    messages = document["components"]["messages"]
    for channel in document["channels"].values():
        for reference in channel["messages"].values():
            assert reference["$ref"].rpartition("/")[2] in messages
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].rpartition("/")[2] in TOPICS
    assert {name: message["x-schema-id"] for name, message in messages.items()} == {
        name: SCHEMA_IDS[name] for name in messages
    }

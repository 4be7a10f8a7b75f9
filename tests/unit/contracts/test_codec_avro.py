"""Models travel as Avro and come back the same, and nothing else comes back."""

import io
from datetime import date
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.avro import schema_of
from contracts.codec import decode, encode, fingerprint, place_of
from contracts.control import ControlPayload, ControlSubject
from contracts.errors import InvalidInput, SampanError
from contracts.facts import Facts
from contracts.groups import GROUP_MODELS, Identity, TravelPlan
from contracts.open_event import Answer, Reported
from contracts.private import REVEAL, Private
from contracts.roles import Priority
from contracts.schema_ids import SCHEMAS

CANARY = "Noyphet Canary-Sisavath"

FACTS = [
    Facts(citizenship="stateless"),
    Facts(citizenship=["LA", "TH"]),
    Facts(citizenship=[]),
    Facts(age=17),
    Facts(age="in_doubt"),
    Facts(child_until=date(2028, 11, 2)),
    Facts(order_until="3mo"),
    Facts(order_until=date(2026, 6, 1)),
    Facts(handover_point="none"),
    Facts(handover_point={"airport": True}),
    Facts(handover_point={"between": ("TH", "LA")}),
    Facts(sexual_violence=True),
    Facts(sexual_violence=False),
    Facts(sexual_violence={"hours_ago": 60}),
    Facts(accompanied_by="cousin"),
    Facts(accompanied_by=True),
    Facts(exploitation=["Surrogacy", "ForcedLabour"]),
    Facts(frozen=False),
    Facts(),
]


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: str(facts.stated()))
def test_every_shape_of_a_fact_comes_back_the_same(facts: Facts) -> None:
    """Unions of code, list, date and record keep their branch."""
    payload = ControlPayload(event="VictimIdentified", subjects=[ControlSubject(facts=facts)])
    assert decode(ControlPayload, encode(payload)) == payload


@given(st.sampled_from(sorted(GROUP_MODELS)), st.data())
def test_every_group_comes_back_the_same(group: str, data: st.DataObject) -> None:
    """Any text in any field of any group survives, in every script."""
    model = GROUP_MODELS[group]  # type: ignore[index]
    names = [name for name in model.model_fields if name in TEXT_FIELDS[model]]
    chosen = data.draw(st.dictionaries(st.sampled_from(names), st.text(max_size=60)))
    made = model.model_validate(chosen)
    assert decode(model, encode(made)) == made


TEXT_FIELDS = {
    model: {
        name for name, field in model.model_fields.items() if "Line]" in str(field.annotation) or
        field.annotation == Identity.model_fields["given_name"].annotation
    }
    for model in GROUP_MODELS.values()
}  # fmt: skip


def test_private_values_are_written_out() -> None:
    """What is sealed is the value, not its mask."""
    assert CANARY.encode() in encode(Identity.model_validate({"given_name": CANARY}))


def test_private_values_come_back_private() -> None:
    """Decoding does not take the veil off."""
    back = decode(Identity, encode(Identity.model_validate({"given_name": CANARY})))
    assert isinstance(back.given_name, Private)
    assert CANARY not in repr(back)


def test_fields_beside_the_named_ones_survive() -> None:
    """What an agency's form held under its own names is not lost."""
    made = Identity.model_validate({"other": {"clan name": "x", "ชื่อเล่น": "y"}})
    assert decode(Identity, encode(made)) == made


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: b"", lambda d: b"\xff" * 40]
)
def test_damaged_bytes_are_refused_without_a_value(damage) -> None:  # type: ignore[no-untyped-def]
    """Cut, extended and foreign bytes raise a coded error that repeats nothing."""
    data = encode(Identity.model_validate({"given_name": CANARY}))
    with pytest.raises(InvalidInput) as refused:
        decode(Identity, damage(data))
    assert "Canary" not in f"{refused.value.sentence()}{refused.value.__cause__}"


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_our_own_error(data: bytes) -> None:
    """A stranger's bytes cannot bring the reader down."""
    for model in (Identity, TravelPlan, ControlPayload):
        try:
            decode(model, data)
        except SampanError as error:
            assert error.code  # noqa: PT017


def unchecked(field: str, value: Private[Any]) -> Identity:
    """An identity as a careless edge would make it: nothing checked."""
    stated: Any = {**dict.fromkeys(Identity.model_fields), field: value}
    return Identity.model_construct(**stated)


def test_a_value_beyond_the_bounds_of_its_field_is_refused_on_reading() -> None:
    """The bound of a line holds on the reading side too: a sender's edge may be anybody's."""
    data = encode(unchecked("given_name", Private("x" * 401)))
    with pytest.raises(InvalidInput) as refused:
        decode(Identity, data)
    assert refused.value.field == "given_name"


@pytest.mark.parametrize("key", [CANARY, "Noyphet"])
def test_a_refusal_does_not_repeat_the_senders_own_field_names(key: str) -> None:
    """Keys of `other` come from the sender's form, so they stay out of errors."""
    made = unchecked("other", Private({key: "x" * 8001}))
    with pytest.raises(InvalidInput) as refused:
        decode(Identity, encode(made))
    assert refused.value.field == "other"


def test_a_place_ends_where_the_words_are_no_longer_ours() -> None:
    """However a validator spells the way into `other`, the sender's key is not repeated."""
    assert place_of(("other", "Noyphet")) == "other"
    assert place_of(("subjects", 0, "facts", "found_in", "constrained-str")) == "subjects.0.facts.found_in"


def test_fingerprints_are_those_of_the_lock() -> None:
    """A seal binds the fingerprint that the lock names, and no two models share one."""
    locked = {row.subject: row.fingerprint for row in SCHEMAS}
    prints = {model.__name__: fingerprint(model).hex() for model in GROUP_MODELS.values()}
    assert locked["identity"] == prints["Identity"]
    assert locked["family_tracing"] == prints["FamilyTracing"]
    assert len(set(prints.values())) == len(prints)


def test_every_group_model_has_text_to_test_with() -> None:
    """The property above would be empty without text fields."""
    assert all(TEXT_FIELDS[model] for model in GROUP_MODELS.values())


@pytest.mark.parametrize("facts", FACTS, ids=lambda facts: str(facts.stated()))
def test_any_avro_library_would_have_written_the_same_bytes(facts: Facts) -> None:
    """Our own writer is fast, not different: fastavro writes the same from the same schema."""
    payload = ControlPayload(
        event="ReferralDeclined",
        to=["SHA@TH"],
        priority=Priority.URGENT,
        answer=Answer(
            dispatch=UUID(int=7),
            code="full",
            reported=Reported(how="phone", person=Private("duty officer")),
        ),
        subjects=[ControlSubject(subject_ref=UUID(int=1), facts=facts)],
    )
    buffer = io.BytesIO()
    plain = payload.model_dump(by_alias=True, exclude_none=True, context=REVEAL)
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema_of(ControlPayload)), plain)
    assert encode(payload) == buffer.getvalue()
    assert decode(ControlPayload, encode(payload)) == payload


@pytest.mark.parametrize("size", [0, 63, 64, 8191, 8192])
def test_lengths_are_written_as_avro_writes_them(size: int) -> None:
    """Around the ends of one and two bytes of length, in a script of three bytes a letter too."""
    for text in ("x" * size, "ລ" * (size // 3)):
        made = TravelPlan.model_validate({"notes": text[:8000]})
        assert decode(TravelPlan, encode(made)) == made


@pytest.mark.parametrize("value", [5, b"x", ["x"], {"x": "y"}, date(2026, 1, 1)])
def test_a_value_of_a_wrong_kind_is_not_written(value: object) -> None:
    """What slipped past validation stops here, without being repeated."""
    with pytest.raises(InvalidInput) as refused:
        encode(unchecked("given_name", Private(value)))
    assert refused.value.code == "bad-encoding"
    assert refused.value.__cause__ is None

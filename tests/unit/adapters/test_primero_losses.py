"""Primero's fields hold what is declared of the canonical ones, no more and no less."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.model import LossKind
from adapters.primero import fields, losses, notes
from adapters.primero.codes import DEFAULT_CP, Lookups
from contracts.errors import InvalidInput
from contracts.groups import GROUP_MODELS, FieldGroup
from contracts.roles import Group

LOOKUPS = Lookups.from_mapping({**DEFAULT_CP, "transitioned_to": "ministry"})
CODES = {
    "F1.sex": st.sampled_from(sorted(LOOKUPS.sex)),
    "F3.citizenship": st.lists(
        st.sampled_from(sorted(LOOKUPS.nationality)), min_size=1, max_size=3, unique=True
    ),
    "F5.exploitation": st.lists(
        st.sampled_from(sorted(LOOKUPS.protection_concerns)), min_size=1, max_size=3, unique=True
    ),
    "F11.level": st.sampled_from(sorted(LOOKUPS.risk_level)),
}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=60)


def values_for(group: Group, name: str) -> st.SearchStrategy[Any]:
    if f"{group}.{name}" in CODES:
        return CODES[f"{group}.{name}"]
    annotation = str(GROUP_MODELS[group].model_fields[name].annotation)
    if "dict[" in annotation:
        return st.dictionaries(WORDS, WORDS, min_size=1, max_size=3)
    if "list[" in annotation:
        return st.lists(WORDS, min_size=1, max_size=3)
    if "datetime.date" in annotation:
        return st.dates(date(1900, 1, 1), date(2100, 1, 1))
    return st.integers(0, 120) if "Private[int]" in annotation else WORDS


@st.composite
def groups(draw: st.DrawFn) -> dict[Group, FieldGroup]:
    chosen = draw(st.lists(st.sampled_from(sorted(GROUP_MODELS)), min_size=1, max_size=4, unique=True))
    made = {}
    for group in chosen:
        names = draw(
            st.lists(
                st.sampled_from(sorted(GROUP_MODELS[group].model_fields)), min_size=1, max_size=5, unique=True
            )
        )
        made[group] = GROUP_MODELS[group].model_validate({n: draw(values_for(group, n)) for n in names})
    return made


def clear(held: dict[Group, FieldGroup]) -> dict[str, Any]:
    return {
        f"{group}.{name}": value for group, model in held.items() for name, value in model.revealed().items()
    }


@settings(max_examples=300, deadline=None)
@given(groups())
def test_decode_after_encode_is_the_identity_up_to_the_declared_losses(held: dict[Group, FieldGroup]) -> None:
    """Exact, widened and narrowed fields come back whole with the notes; dropped ones do not come back."""
    case, lines = fields.encode(held, LOOKUPS)
    back = clear(fields.decode(case, "\n".join(["prose", *lines]), LOOKUPS))
    expected = {name: v for name, v in clear(held).items() if losses.KIND[name] is not LossKind.DROPPED}
    assert back == expected


@settings(max_examples=300, deadline=None)
@given(groups())
def test_narrowed_fields_alone_lose_without_the_notes_originals(held: dict[Group, FieldGroup]) -> None:
    """From Primero's own codes the same Primero codes follow again, and everything else is untouched."""
    case, lines = fields.encode(held, LOOKUPS)
    back = fields.decode(case, "\n".join(lines), LOOKUPS, originals=False)
    again, _ = fields.encode(back, LOOKUPS)
    assert {name: set(v) if isinstance(v, list) else v for name, v in again.items()} == {
        name: set(v) if isinstance(v, list) else v for name, v in case.items()
    }
    before, after = clear(held), clear(back)
    differs = {name for name in before | after if before.get(name) != after.get(name)}
    assert {losses.KIND[name] for name in differs} <= {LossKind.NARROWED, LossKind.DROPPED}


def test_every_canonical_field_is_declared() -> None:
    """A field without a declaration fails here."""
    declared = [loss.field for loss in losses.LOSSES]
    assert declared == [
        f"{group}.{name}" for group, model in GROUP_MODELS.items() for name in model.model_fields
    ]
    assert [loss.field for loss in losses.LOSSES if loss.kind is not LossKind.EXACT and not loss.why] == []


def test_no_declaration_is_vain() -> None:
    """Each loss that is declared can be seen: a field that came through whole would be declared exact."""
    sex = GROUP_MODELS[Group.F1].model_validate({"sex": "NonConforming", "ethnicity": "any"})
    kinds = GROUP_MODELS[Group.F5].model_validate({"exploitation": ["ForcedBegging", "OrganRemoval"]})
    case, lines = fields.encode({Group.F1: sex, Group.F5: kinds}, LOOKUPS)
    assert "sex" not in case
    assert case["protection_concerns"] == ["trafficked_smuggled"]
    assert "ethnicity" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("group", "content", "field", "lookup"),
    [
        (Group.F3, {"citizenship": ["FR"]}, "F3.citizenship", "nationality"),
        (Group.F1, {"sex": "lgbt"}, "F1.sex", "sex"),
        (Group.F5, {"exploitation": ["Sorcery"]}, "F5.exploitation", "protection_concerns"),
        (Group.F11, {"level": "no action"}, "F11.level", "risk_level"),
    ],
)
def test_trap_10_unknown_codes_fail_closed(
    group: Group, content: dict[str, Any], field: str, lookup: str
) -> None:
    """No code is passed through or defaulted; the refusal names field and lookup, not the value."""
    with pytest.raises(InvalidInput) as caught:
        fields.encode({group: GROUP_MODELS[group].model_validate(content)}, LOOKUPS)
    assert (caught.value.code, caught.value.field) == ("unmapped-code", field)
    assert lookup in str(caught.value.remedy)
    assert not any(str(value) in caught.value.sentence() for value in content.values())


def test_trap_09_a_gender_that_primero_lacks_stays_blank_and_keeps_its_original() -> None:
    """TransgenderFeminine is neither female nor other: the field is blank, the notes say it."""
    group = GROUP_MODELS[Group.F1].model_validate({"sex": "TransgenderFeminine"})
    case, lines = fields.encode({Group.F1: group}, LOOKUPS)
    assert case == {}
    assert lines == ["F1 sex: TransgenderFeminine"]


def test_trap_06_lookups_are_the_deployments_own() -> None:
    """The same canonical code is another Primero code elsewhere; nothing is mapped by its text."""
    settings_ = {**DEFAULT_CP, "transitioned_to": "m", "sex": {"Feminine": "f_25f252"}}
    case, _ = fields.encode(
        {Group.F1: GROUP_MODELS[Group.F1].model_validate({"sex": "Feminine"})},
        Lookups.from_mapping(settings_),
    )
    assert case == {"sex": "f_25f252"}


@pytest.mark.parametrize(
    ("settings_", "field"),
    [
        ({}, "primero.transitioned_to"),
        ({"transitioned_to": "m", "sexes": {}}, "primero.sexes"),
        ({"transitioned_to": "m", "sex": {"Female": "female"}}, "primero.sex.Female"),
        ({"transitioned_to": "m", "module_id": "primeromodule-mrm"}, "primero.module_id"),
    ],
)
def test_wrong_settings_are_named(settings_: dict[str, Any], field: str) -> None:
    """A deployment's settings are checked when read, not at the first survivor."""
    with pytest.raises(InvalidInput) as caught:
        Lookups.from_mapping(settings_)
    assert caught.value.field == field


def test_trap_17_and_18_birth_dates_and_ages_arrive_as_they_are() -> None:
    """A day stays a day, and an adult over thirty keeps her age."""
    group = GROUP_MODELS[Group.F1].model_validate({"birth_date": date(1982, 10, 10), "age_years": 43})
    case, _ = fields.encode({Group.F1: group}, LOOKUPS)
    assert case == {"date_of_birth": "1982-10-10", "age": 43}


def test_an_age_without_a_birth_date_says_that_it_is_an_estimate() -> None:
    """Primero's ``estimated`` is set where no birth date is known."""
    case, _ = fields.encode({Group.F1: GROUP_MODELS[Group.F1].model_validate({"age_years": 17})}, LOOKUPS)
    assert case == {"age": 17, "estimated": True}


def test_trap_23_nobody_elses_contact_is_put_in() -> None:
    """A person without a phone has no phone in Primero."""
    case, lines = fields.encode({Group.F2: GROUP_MODELS[Group.F2].model_validate({"city": "Pakse"})}, LOOKUPS)
    assert "telephone_current" not in case
    assert lines == ["F2 city: Pakse"]


def test_trap_15_phones_are_text() -> None:
    """Leading characters survive."""
    group = GROUP_MODELS[Group.F2].model_validate({"mobile_phone": "+856205550147"})
    assert fields.encode({Group.F2: group}, LOOKUPS)[0] == {"telephone_current": "+856205550147"}


def test_lists_are_told_from_single_values() -> None:
    """The way back knows which fields hold several values."""
    assert notes.is_list(GROUP_MODELS[Group.F3], "citizenship")
    assert not notes.is_list(GROUP_MODELS[Group.F1], "given_name")

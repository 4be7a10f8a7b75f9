"""The examples beside the Primero adapter are read by it."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from adapters.primero import examples, inbound
from adapters.primero.codes import Lookups
from tests.support.dispatches import DISPATCH

HERE = Path(str(examples.__file__)).parent


def test_the_example_settings_are_settings() -> None:
    """Read as a deployment's file would be, nulls included."""
    lookups = Lookups.from_mapping(yaml.safe_load((HERE / "lookups.yaml").read_text()))
    assert (lookups.transitioned_to, lookups.sex["NonConforming"]) == ("intake_desk", None)
    assert lookups.protection_concerns["SexualExploitation"] == ("trafficked_smuggled", "sexually_exploited")


def test_the_example_referral_is_a_decline() -> None:
    """As Primero lists it: our marker, its status, its reason."""
    (row,) = json.loads((HERE / "referral.json").read_text())["data"]
    decision = inbound.read(row)
    assert decision is not None
    assert (decision.event, decision.answer.dispatch) == ("ReferralDeclined", DISPATCH)

"""The file that says where agencies' own systems are."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import SampanError
from services.assembly.targets import load_targets
from services.edge.targets import PrimeroTarget, WebhookTarget
from tests.support.region import region_directory

SEED = bytes(range(32))
GOOD = """
rfp-kh:
  primero: {url: "https://primero.example.org", user: sampan, password: "s3cret", lookups: {transitioned_to: ministry}}
shelter-th:
  webhook: {url: "https://shelter.example.org", path: /hooks}
"""


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    """A targets file."""
    path = folder / "targets.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_each_channel_becomes_its_target(tmp_path: Path) -> None:
    """A Primero and a webhook, under agency and channel."""
    found = load_targets(written(tmp_path, GOOD), region_directory(), SEED)
    assert {key: type(target) for key, target in found.items()} == {
        ("rfp-kh", "primero"): PrimeroTarget,
        ("shelter-th", "webhook"): WebhookTarget,
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("rfp-kh:", "nobody:"), "bad-target"),
        (("primero:", "carrier-pigeon:"), "bad-target"),
        (("user: sampan, ", ""), "bad-target"),
        (("user: sampan", "user: sampan, colour: red"), "bad-target"),
        (("https://primero", "http://primero"), "not-https"),
    ],
)
def test_a_wrong_setting_is_named_without_its_password(
    tmp_path: Path, change: tuple[str, str], code: str
) -> None:
    """Unknown agency, channel or setting, one that is missing, plain http: refused, and the password stays unsaid."""
    with pytest.raises(SampanError) as refusal:
        load_targets(written(tmp_path, GOOD.replace(*change)), region_directory(), SEED)
    assert refusal.value.code == code
    assert "s3cret" not in refusal.value.sentence()


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """It holds passwords."""
    with pytest.raises(SampanError) as refusal:
        load_targets(written(tmp_path, GOOD, 0o644), region_directory(), SEED)
    assert refusal.value.code == "targets-open-to-others"

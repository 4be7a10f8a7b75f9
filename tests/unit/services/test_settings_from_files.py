"""Secrets may lie in files, as containers get them: the file's name is the variable's."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import SetupProblem
from services.assembly.settings import ServerSettings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is named as the one of secrets."""
    monkeypatch.setenv("SAMPAN_SECRETS", str(tmp_path))
    return tmp_path


def test_a_file_is_read_like_a_variable_nested_ones_too(folder: Path) -> None:
    """``sampan_brokers__password`` is what SAMPAN_BROKERS__PASSWORD would be, without the line's end."""
    (folder / "sampan_passphrase").write_text("open sesame\n", encoding="utf-8")
    (folder / "sampan_brokers__password").write_text("carry", encoding="utf-8")
    settings = ServerSettings()
    assert settings.passphrase is not None
    assert settings.passphrase.get_secret_value() == "open sesame"
    assert settings.brokers.password is not None
    assert settings.brokers.password.get_secret_value() == "carry"


def test_a_variable_goes_before_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said at the start of one process counts more than what lies about for all."""
    (folder / "sampan_passphrase").write_text("of the file", encoding="utf-8")
    monkeypatch.setenv("SAMPAN_PASSPHRASE", "of the variable")
    passphrase = ServerSettings().passphrase
    assert passphrase is not None
    assert passphrase.get_secret_value() == "of the variable"


def test_a_folder_that_is_not_there_is_said_and_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A server without its secrets would run unprotected: it names the setting instead."""
    monkeypatch.setenv("SAMPAN_SECRETS", str(tmp_path / "nowhere"))
    with pytest.raises(SetupProblem) as refusal:
        ServerSettings()
    assert (refusal.value.code, refusal.value.field) == ("secrets-not-readable", "SAMPAN_SECRETS")

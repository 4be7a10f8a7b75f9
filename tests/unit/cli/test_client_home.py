"""Where the client finds the server, tokens and keys, and when it refuses to use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.errors import SetupProblem
from services.client.home import Home, SigningKey, find_home, write_config, write_profile

URL = "http://127.0.0.1:8420"


def home(folder: Path) -> Home:
    return Home(folder, URL, folder / "tokens", folder / "keys")


def test_the_checkouts_data_folder_is_found_from_inside_it(tmp_path: Path) -> None:
    """`make run` wrote ./data/client.json: found without any setting, folders relative to it."""
    (tmp_path / "data").mkdir()
    write_config(tmp_path / "data", URL)
    found = find_home({}, tmp_path)
    assert (found.url, found.tokens_dir) == (URL, tmp_path / "data" / "tokens")


def test_the_environment_wins(tmp_path: Path) -> None:
    """SAMPAN_DATA chooses the folder, SAMPAN_URL the server."""
    found = find_home({"SAMPAN_DATA": "elsewhere", "SAMPAN_URL": "https://sampan.example/"}, tmp_path)
    assert (found.folder, found.url) == (tmp_path / "elsewhere", "https://sampan.example")


def test_no_server_known_says_how_to_make_one_known(tmp_path: Path) -> None:
    """One sentence with three ways."""
    with pytest.raises(SetupProblem) as caught:
        find_home({"SAMPAN_DATA": "empty"}, tmp_path)
    assert "make run" in caught.value.sentence()


@pytest.mark.parametrize(
    "url", ["http://sampan.example", "ftp://127.0.0.1", "sampan.example", "http://127.0.0.1.evil.example"]
)
def test_a_token_never_travels_unencrypted_to_another_machine(tmp_path: Path, url: str) -> None:
    """Plain http is for loopback alone."""
    with pytest.raises(SetupProblem) as caught:
        find_home({"SAMPAN_DATA": "x", "SAMPAN_URL": url}, tmp_path)
    assert caught.value.code == "unsafe-address"


def test_a_damaged_client_json_is_a_sentence(tmp_path: Path) -> None:
    """Broken, or of another shape: named with its path."""
    for content in ("{", "[]", '{"url": 3}'):
        (tmp_path / "client.json").write_text(content)
        with pytest.raises(SetupProblem) as caught:
            find_home({"SAMPAN_DATA": str(tmp_path)}, tmp_path)
        assert caught.value.code == "bad-client-config"


def test_a_profile_comes_back_and_prints_no_secret(tmp_path: Path) -> None:
    """What was written is read, and neither token nor seed stands in its repr."""
    write_profile(home(tmp_path), "ngo-th", "token-ngo-th", SigningKey("ngo-th-1", b"s" * 32))
    profile = home(tmp_path).profile("ngo-th")
    assert profile.token == "token-ngo-th"
    assert profile.key == SigningKey("ngo-th-1", b"s" * 32)
    assert "token-ngo-th" not in repr(profile)
    assert "ssss" not in repr(profile)


@pytest.mark.parametrize("secret", ["tokens/ngo-th.token", "keys/ngo-th.key"])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, secret: str) -> None:
    """Group or world readable: refused, with the command that mends it."""
    write_profile(home(tmp_path), "ngo-th", "token-ngo-th", SigningKey("ngo-th-1", b"s" * 32))
    (tmp_path / secret).chmod(0o640)
    with pytest.raises(SetupProblem) as caught:
        home(tmp_path).profile("ngo-th")
    assert "chmod 600" in caught.value.sentence()


def test_a_damaged_key_file_is_a_sentence_without_its_content(tmp_path: Path) -> None:
    """A seed of the wrong length, no JSON, no seed at all."""
    write_profile(home(tmp_path), "ngo-th", "token-ngo-th", SigningKey("ngo-th-1", b"s" * 32))
    for content in ('{"key_id": "a", "seed": "c2hvcnQ="}', "nonsense", '{"key_id": "a"}'):
        (tmp_path / "keys" / "ngo-th.key").write_text(content)
        with pytest.raises(SetupProblem) as caught:
            home(tmp_path).profile("ngo-th")
        assert caught.value.code == "bad-key-file"


def test_an_unknown_agency_lists_those_that_exist(tmp_path: Path) -> None:
    """Also for a name that tries to leave the folder."""
    write_profile(home(tmp_path), "ngo-th", "token-ngo-th", None)
    for name in ("ngo-kh", "../ngo-th"):
        with pytest.raises(SetupProblem) as caught:
            home(tmp_path).profile(name)
        assert "Here are: ngo-th." in caught.value.sentence()


def test_the_only_profile_is_chosen_and_of_two_none(tmp_path: Path) -> None:
    """Nobody is guessed at."""
    write_profile(home(tmp_path), "ngo-th", "token-ngo-th", None)
    assert home(tmp_path).choose(None).agency == "ngo-th"
    write_profile(home(tmp_path), "ngo-kh", "token-ngo-kh", None)
    with pytest.raises(SetupProblem):
        home(tmp_path).choose(None)

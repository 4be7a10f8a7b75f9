"""Settings of a process: ``SAMPAN_…`` variables, nested by ``__``. Every key stands here with its default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from contracts.errors import SetupProblem
from deploy.kafka.access import Access

_SECRETS: Final = "SAMPAN_SECRETS"


class HttpSettings(BaseModel):
    """Where the server listens. Beyond this machine it needs a protected keyring and no demo tokens."""

    host: str = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65535)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


class KafkaSettings(BaseModel):
    """How the services of one instance reach Kafka; nothing stated: the log is the database's alone."""

    bootstrap: str | None = None  # host:port of brokers, with commas
    user: str | None = None  # with it: TLS and SASL/SCRAM
    password: SecretStr | None = None
    ca_file: Path | None = None
    prefix: str = ""  # before the topics' names
    replicas: int | None = Field(
        default=None, ge=1
    )  # of each topic made anew; None: as many as brokers are up
    wait_seconds: float = Field(default=60, ge=0)  # for brokers that are not up yet
    backlog_records_max: int = Field(default=100_000, ge=0)  # not carried yet, before intake answers 503

    @property
    def access(self) -> Access | None:
        """One client's way in; None where no brokers are named."""
        if self.bootstrap is None:
            return None
        password = self.password.get_secret_value() if self.password else None
        return Access(self.bootstrap, self.user, password, self.ca_file)


class VaultSettings(BaseModel):
    """A vault in a process of its own. Neither URL nor database named: each process holds the keyring itself."""

    url: str | None = None  # where services find it; they need no keyring then
    token: SecretStr | None = None  # what vault and services know each other by
    ca_file: Path | None = None  # whom services trust; None: whom this machine trusts
    wait_seconds: float = Field(default=60, ge=0)  # for a vault that is not up yet
    database_url: SecretStr | None = None  # the vault's own, for `sampan run vault`
    certificate: Path | None = None  # with private_key: the vault serves TLS
    private_key: Path | None = None


class RouterSettings(BaseModel):
    """Where routers have databases of their own. Kafka carries everything between them and the hub's."""

    database_url: SecretStr | None = None  # this router's own; None: the one that all share
    partitions: str | None = None  # those that it folds, such as 0-5; None: all
    shards: dict[str, SecretStr] = {}  # for who reads them all: partitions to database, as JSON


class RelaySettings(BaseModel):
    """One relay carries the log of one database."""

    database_url: SecretStr | None = None  # whose log; None: the hub's, SAMPAN_DATABASE_URL


class DeliverySettings(BaseModel):
    """Refused where it is set: delivery works on the hub's database."""

    database_url: SecretStr | None = None


class ServerSettings(BaseSettings):
    """All settings of ``sampan serve`` and ``sampan run``."""

    model_config = SettingsConfigDict(env_prefix="SAMPAN_", env_nested_delimiter="__", extra="ignore")

    data: Path = Path("data")
    region: Path | None = None  # a folder of directory files; None: the sample region
    rules: Path | None = None  # a folder of rule files, or of signatures.yaml alone; None: those that come with Sampan
    database_url: SecretStr | None = None  # None: the embedded PostgreSQL in the data folder
    targets: Path | None = None  # a file that says where agencies' own systems are
    passphrase: SecretStr | None = None  # of the keyring
    demo: bool = False
    http: HttpSettings = HttpSettings()
    brokers: KafkaSettings = KafkaSettings()
    vault: VaultSettings = VaultSettings()
    router: RouterSettings = RouterSettings()
    relay: RelaySettings = RelaySettings()
    delivery: DeliverySettings = DeliverySettings()
    secrets: Path | None = None  # a folder of files named like variables: sampan_passphrase, sampan_database_url …

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A variable goes before a file of the same name.

        Raises:
            SetupProblem: ``secrets-not-readable``.
        """
        folder = os.environ.get(_SECRETS)
        if not folder:
            return init_settings, env_settings
        _check_readable(Path(folder))
        files = NestedSecretsSettingsSource(
            file_secret_settings, secrets_dir=folder, secrets_prefix="SAMPAN_", secrets_nested_delimiter="__"
        )
        return init_settings, env_settings, files


def _check_readable(folder: Path) -> None:
    readable = folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)
    if not readable or not all(os.access(file, os.R_OK) for file in folder.iterdir() if file.is_file()):
        raise SetupProblem(
            "The folder of secrets, or a file in it, cannot be read.", code="secrets-not-readable", field=_SECRETS,
            remedy="Name a folder whose files this user may read.",
        )  # fmt: skip

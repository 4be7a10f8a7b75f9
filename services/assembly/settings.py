"""Settings of a process: ``SAMPAN_…`` variables, nested by ``__``. Every key stands here with its default."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class HttpSettings(BaseModel):
    """Where the server listens. Beyond this machine it needs a protected keyring and no demo tokens."""

    host: str = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65535)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


class ServerSettings(BaseSettings):
    """All settings of ``sampan serve``."""

    model_config = SettingsConfigDict(env_prefix="SAMPAN_", env_nested_delimiter="__", extra="ignore")

    data: Path = Path("data")
    region: Path | None = None  # a folder of directory files; None: the sample region
    database_url: SecretStr | None = None  # None: the embedded PostgreSQL in the data folder
    targets: Path | None = None  # a file that says where agencies' own systems are
    passphrase: SecretStr | None = None  # of the keyring
    demo: bool = False
    http: HttpSettings = HttpSettings()

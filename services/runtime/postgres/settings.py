"""Server settings, given on the command line so that each start has exactly these."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

# A statement or an error may carry a value of a person. `log` sorts between `error` and `fatal`: start, stop
# and recovery are logged, the errors of statements are not; `terse` drops details of what remains.
_SILENT_ABOUT_VALUES = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_lock_waits": "off",
}

_COMMON = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "password_encryption": "scram-sha-256",
}

_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_wal_size": "1GB"}

# For throw-away instances only: a power cut may lose everything.
_THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_workers": "1",
}


def server_settings(*, durable: bool, socket_folder: Path | None, port: int) -> Mapping[str, str]:
    """Settings by name. Without ``socket_folder`` the server listens on loopback TCP only."""
    listening = (
        {"listen_addresses": "", "unix_socket_directories": str(socket_folder), "port": str(port)}
        if socket_folder is not None
        else {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(port)}
    )
    return {**_COMMON, **_SILENT_ABOUT_VALUES, **(_DURABLE if durable else _THROW_AWAY), **listening}

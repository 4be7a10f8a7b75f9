"""The keyring: one owner-only file with the keys that open all else. Lose it, and what is sealed is lost.

    {"version": 1, "protected": bool, "scrypt": {…}, "nonce": …, "payload": base64}

With a passphrase the payload is AES-256-GCM under scrypt (RFC 7914, N 2^15, r 8, p 1); without one it is
plain, and a server that listens beyond this machine must refuse it (:attr:`Keyring.is_protected`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from contracts.errors import NotAuthentic, SetupProblem
from contracts.ids import Random
from contracts.sealing import VAULT_SEED_BYTES, VaultPrivateKey, VaultPublicKey

_AAD: Final = b"sampan/keyring/1"
_SCRYPT: Final = {"n": 1 << 15, "r": 8, "p": 1}
_SCRYPT_N_MAX: Final = 1 << 20
_FILE_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True)
class Keyring:
    """Unlocked keys. Prints nothing of itself and is not pickled."""

    path: Path
    is_protected: bool
    keks: Mapping[int, bytes] = field(repr=False)
    """Key-encryption keys by epoch; the highest wraps what is new."""
    vault_keys: Mapping[str, VaultPrivateKey] = field(repr=False)
    current_vault_key: str
    alias_key: bytes = field(repr=False)
    code_key: bytes = field(repr=False)
    mac_key: bytes = field(repr=False)

    @property
    def epoch(self) -> int:
        """The epoch that wraps new subject keys."""
        return max(self.keks)

    @property
    def public(self) -> VaultPublicKey:
        """What senders seal to: for :class:`contracts.api.InstanceInfo`."""
        return self.vault_keys[self.current_vault_key].public

    @property
    def public_text(self) -> str:
        """The public key in base64."""
        return base64.b64encode(self.public.raw).decode()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyring is not pickled")

    @classmethod
    def create(cls, path: Path, random: Random, passphrase: str | None = None) -> Self:
        """Make new keys and write them, durable on return.

        Raises:
            SetupProblem: ``keyring-exists`` (never overwritten), or the folder cannot be written.
        """
        seed = random(VAULT_SEED_BYTES)
        key_id = "vault-" + hashlib.sha256(VaultPrivateKey("", seed).public.raw).hexdigest()[:12]
        payload = {
            "keks": {"1": _text(random(32))},
            "vault_keys": {key_id: _text(seed)},
            "current_vault_key": key_id,
            **{name: _text(random(32)) for name in ("alias_key", "code_key", "mac_key")},
        }
        _write_new(path, _document(payload, random, passphrase))
        return cls._of(path, payload, passphrase is not None)

    @classmethod
    def load(cls, path: Path, passphrase: str | None = None) -> Self:
        """Read and unlock.

        Raises:
            SetupProblem: ``keyring-missing``, ``keyring-open-to-others``, ``keyring-damaged``,
                ``passphrase-needed``.
            NotAuthentic: ``wrong-passphrase``.
        """
        document = _read(path)
        payload = _unlocked(document, path, passphrase)
        try:
            return cls._of(path, payload, bool(document["protected"]))
        except (KeyError, ValueError, TypeError, AttributeError):
            raise _damaged(path) from None

    @staticmethod
    def needs_passphrase(path: Path) -> bool:
        """Whether :meth:`load` will ask for one. Raises SetupProblem as it does."""
        return bool(_read(path)["protected"])

    @classmethod
    def _of(cls, path: Path, payload: Mapping[str, Any], protected: bool) -> Self:
        vault_keys = {key: VaultPrivateKey(key, _bytes(seed)) for key, seed in payload["vault_keys"].items()}
        if payload["current_vault_key"] not in vault_keys:
            raise ValueError("the current key is not among the keys")
        return cls(
            path=path,
            is_protected=protected,
            keks={int(epoch): _bytes(key) for epoch, key in payload["keks"].items()},
            vault_keys=vault_keys,
            current_vault_key=payload["current_vault_key"],
            alias_key=_bytes(payload["alias_key"]),
            code_key=_bytes(payload["code_key"]),
            mac_key=_bytes(payload["mac_key"]),
        )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _document(payload: Mapping[str, Any], random: Random, passphrase: str | None) -> dict[str, Any]:
    plain = json.dumps(payload).encode()
    if passphrase is None:
        return {"version": 1, "protected": False, "payload": _text(plain)}
    salt, nonce = random(16), random(12)
    sealed = AESGCM(_stretched(passphrase, salt, _SCRYPT)).encrypt(nonce, plain, _AAD)
    return {
        "version": 1, "protected": True, "scrypt": {**_SCRYPT, "salt": _text(salt)}, "nonce": _text(nonce),
        "payload": _text(sealed),
    }  # fmt: skip


def _stretched(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    if not 1 < cost["n"] <= _SCRYPT_N_MAX:
        raise ValueError("scrypt cost out of range")
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(passphrase.encode())


def _unlocked(document: Mapping[str, Any], path: Path, passphrase: str | None) -> dict[str, Any]:
    try:
        payload = _bytes(document["payload"])
        if document["protected"]:
            if passphrase is None:
                raise SetupProblem(
                    "The keyring is protected by a passphrase.", code="passphrase-needed", field=str(path),
                    remedy="Give the passphrase.",
                )
            cost = document["scrypt"]
            key = _stretched(passphrase, _bytes(cost["salt"]), cost)
            payload = AESGCM(key).decrypt(_bytes(document["nonce"]), payload, _AAD)
        unlocked: dict[str, Any] = json.loads(payload)
    except InvalidTag:
        raise NotAuthentic(
            "The passphrase does not open the keyring.", code="wrong-passphrase", field="passphrase",
            remedy="Type it again; without it nothing can be opened.",
        ) from None
    except (KeyError, ValueError, TypeError):
        raise _damaged(path) from None
    return unlocked


def _read(path: Path) -> dict[str, Any]:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        raise SetupProblem(
            "There is no keyring here.", code="keyring-missing", field=str(path),
            remedy="Restore it from its backup; a new one cannot open what the old one sealed.",
        ) from None
    except OSError:
        raise SetupProblem(
            "The keyring cannot be read.", code="keyring-unreadable", field=str(path),
            remedy="It must be a plain file of the user that runs Sampan.",
        ) from None
    with os.fdopen(descriptor, "rb") as file:
        _refuse_open_file(os.fstat(descriptor), path)
        data = file.read(_FILE_BYTES_MAX)
    try:
        document = json.loads(data)
        if document["version"] != 1 or not isinstance(document["protected"], bool):
            raise _damaged(path)
    except (ValueError, KeyError, TypeError):
        raise _damaged(path) from None
    return dict(document)


def _refuse_open_file(status: os.stat_result, path: Path) -> None:
    if os.name != "posix":
        return
    if stat.S_IMODE(status.st_mode) & 0o077 or status.st_uid not in (os.geteuid(), 0):
        raise SetupProblem(
            "Others on this machine can read or change the keyring.", code="keyring-open-to-others",
            field=str(path), remedy="Give it to the server's user, run chmod 600 on it, and ask who read it.",
        )


def _write_new(path: Path, document: Mapping[str, Any]) -> None:
    """A whole file or none; an existing one is never replaced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(document, indent=1).encode())
            file.flush()
            os.fsync(descriptor)
        os.link(temporary, path)
        _sync_folder(path.parent)
    except FileExistsError:
        raise SetupProblem(
            "There is a keyring here already.", code="keyring-exists", field=str(path),
            remedy="Use it; overwriting it would lose everything it sealed.",
        ) from None
    except OSError:
        raise SetupProblem(
            "The keyring cannot be written.", code="keyring-unwritable", field=str(path),
            remedy="Choose a data folder that the server's user can write.",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable. Windows has no such call; its renames are."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damaged(path: Path) -> SetupProblem:
    return SetupProblem(
        "The keyring is damaged or of another version.", code="keyring-damaged", field=str(path),
        remedy="Restore it from its backup.",
    )

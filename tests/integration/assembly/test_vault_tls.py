"""The vault's door on a machine that others reach: only under TLS, and only to who trusts its certificate."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.vault.errors import VaultAway
from services.vault.remote import VaultRemote
from tests.support.postgres import FreshDatabase
from tests.support.sealed import World
from tests.support.serve_process import serving

TOKEN = "a-token-of-this-test-and-of-nobody-else"


def certificate(folder: Path) -> tuple[Path, Path]:
    """One that signs itself, for this machine; and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vault of a test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    where = folder / "vault.pem", folder / "vault.key"
    where[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    where[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return where


@pytest.mark.timeout(120)
async def test_other_machines_reach_the_vault_under_tls_alone(tmp_path: Path, fresh_database: FreshDatabase) -> None:
    """Without a certificate it listens on no address but this machine's; with one, plain HTTP and strangers to the
    certificate get nothing.
    """
    own = {"SAMPAN_VAULT__TOKEN": TOKEN, "SAMPAN_PASSPHRASE": "a long and invented sentence"}
    serve = {**own, "SAMPAN_VAULT__DATABASE_URL": fresh_database.vault_dsn}
    with serving("--data", ".", cwd=tmp_path, command="migrate", **own,
                 SAMPAN_VAULT__DATABASE_URL=fresh_database.owner_dsn) as migrating:  # fmt: skip
        assert await asyncio.to_thread(migrating.end) == 0, migrating.text
    arguments = ("vault", "--data", ".", "--port", "0")
    with serving(*arguments, "--host", "0.0.0.0", cwd=tmp_path, command="run", **serve) as open_door:  # noqa: S104
        assert await asyncio.to_thread(open_door.end) == 1, open_door.text
        assert "SAMPAN_VAULT__CERTIFICATE: Keys would travel in clear" in " ".join(open_door.text.split())
    pem, key = certificate(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tls = {"SAMPAN_VAULT__CERTIFICATE": str(pem), "SAMPAN_VAULT__PRIVATE_KEY": str(key)}
    with serving("vault", "--data", ".", "--port", str(port), cwd=tmp_path, command="run", **serve, **tls) as vault:
        await asyncio.to_thread(vault.until, "vault is ready: https://")
        trusting = ssl.create_default_context(cafile=pem)
        remote = await VaultRemote.connect(f"https://127.0.0.1:{port}", TOKEN, World(1).random, ca=trusting)
        assert await remote.facts_keys(None, [World(2).id()]) == {}
        await remote.close()
        with pytest.raises(VaultAway):
            await VaultRemote.connect(f"https://127.0.0.1:{port}", TOKEN, World(1).random)
        async with httpx.AsyncClient() as plain:
            with pytest.raises(httpx.HTTPError):
                await plain.get(f"http://127.0.0.1:{port}/v1/vault/names")

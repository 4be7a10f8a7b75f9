"""Secrets of a secure local cluster: an authority and a node certificate of its own, and a password each user.

Only for clusters on loopback: the authority's key is thrown away at once, so nothing else can be signed by it,
and the certificates' dates span the century because no machine clock decides anything about them.
"""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADMIN: Final = "admin"
NODE_NAME: Final = "sampan-kafka-node"
_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(2099, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClusterSecrets:
    """What lies in the cluster's ``secrets`` folder."""

    ca_file: Path
    passwords: Mapping[str, str] = field(repr=False)

    @classmethod
    def make(cls, folder: Path, users: Iterable[str]) -> Self:
        """Make everything anew in ``folder``, readable by its owner alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority_key, node_key = (
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP256R1()),
        )
        authority = _authority(authority_key)
        node = _node(node_key.public_key(), authority, authority_key)
        private = node_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write(folder / "ca.pem", authority.public_bytes(Encoding.PEM))
        _write(
            folder / "node.pem",
            private + node.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM),
        )
        passwords = {user: secrets.token_hex(24) for user in users}
        _write(folder / "passwords.json", json.dumps(passwords).encode("ascii"))
        return cls(folder / "ca.pem", passwords)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What :meth:`make` left in ``folder``."""
        passwords: dict[str, str] = json.loads((folder / "passwords.json").read_text(encoding="ascii"))
        return cls(folder / "ca.pem", passwords)


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("Sampan local Kafka")
    return (
        _begin(name, name, key.public_key(), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _node(
    key: ec.EllipticCurvePublicKey, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    loopback = ipaddress.ip_address("127.0.0.1")
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _begin(_name(NODE_NAME), authority.subject, key, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(loopback), x509.DNSName("localhost")]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _write(file: Path, content: bytes) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(content)

"""Certificates and CRLs of every shape, for the tests of ``ledger.crypto``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = 1_790_000_000
DAY = 86_400
DER = Encoding.DER
RSA_KEY = rsa.generate_private_key(65537, 2048)


def p256() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


def at(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def usage(*names: str) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    every += ("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{n: n in names for n in every})


CA_USAGE = usage("key_cert_sign", "crl_sign")
SIGN_USAGE = usage("digital_signature", "content_commitment")


def certificate(
    subject: str,
    public: Any,
    issuer: str,
    key: Any,
    *,
    ca: bool = False,
    key_usage: x509.KeyUsage | None = SIGN_USAGE,
    since: int = NOW - DAY,
    until: int = NOW + 365 * DAY,
    serial: int | None = None,
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(public)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(at(since))
        .not_valid_after(at(until))
        .add_extension(x509.BasicConstraints(ca, None), True)
    )
    if key_usage is not None:
        builder = builder.add_extension(key_usage, True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, SHA256()).public_bytes(DER)


class Chain:
    """root → issuing → leaf, all ECDSA P-256."""

    def __init__(self, **leaf: Any) -> None:
        self.root_key, self.issuing_key, self.key = p256(), p256(), p256()
        public = [k.public_key() for k in (self.root_key, self.issuing_key, self.key)]
        self.root = certificate("Root", public[0], "Root", self.root_key, ca=True, key_usage=CA_USAGE)
        self.issuing = certificate("Issuing", public[1], "Root", self.root_key, ca=True, key_usage=CA_USAGE)
        self.leaf = certificate("Office", public[2], "Issuing", self.issuing_key, **leaf)


def crl(
    issuer: str,
    key: Any,
    taken: int = NOW - 100,
    until: int = NOW + 7 * DAY,
    revoked: tuple[x509.RevokedCertificate, ...] = (),
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder().issuer_name(name(issuer)).last_update(at(taken)).next_update(at(until))
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key, SHA256()).public_bytes(DER)


def entry(data: bytes, instant: int, *extensions: x509.ExtensionType) -> x509.RevokedCertificate:
    serial = x509.load_der_x509_certificate(data).serial_number
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at(instant))
    for extension in extensions:
        builder = builder.add_extension(extension, False)
    return builder.build()

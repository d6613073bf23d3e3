"""A small certification hierarchy, its lists of revoked certificates, and signatures by its offices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from ledger.core.bundles import ValidationData
from ledger.crypto.algorithms import sign_raw
from ledger.crypto.cms import assemble, signed_attributes

T = 1_800_000_000  # 2027-01-15T08:00:00Z: the instant of the anchor
# --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Certificate:
    key: ec.EllipticCurvePrivateKey
    der: bytes

    @property
    def x509(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.der)

    @property
    def sha256(self) -> bytes:
        return self.x509.fingerprint(hashes.SHA256())


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


ROOT, STRANGER, ISSUING = "CA root", "CA stranger", "CA issuing"
SECOND_ROOT, SECOND_ISSUING = "CA second root", "CA second issuing"
_PARENTS = {ROOT: None, STRANGER: None, ISSUING: ROOT, SECOND_ROOT: None, SECOND_ISSUING: SECOND_ROOT}


@cache
def certificate(name: str, under: str = ISSUING) -> Certificate:
    """A certificate of ``name``: three roots, an issuing authority under two of them, and offices ``under`` one."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = name in _PARENTS
    issuer = _PARENTS.get(name, under)
    parent = certificate(issuer) if issuer else None
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent.x509.subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment(T) - timedelta(days=100))
        .not_valid_after(moment(T) + timedelta(days=1000))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(_usage(authority), critical=True)
    )
    made = builder.sign(parent.key if parent else key, hashes.SHA256())
    return Certificate(key, made.public_bytes(Encoding.DER))


def renewed(name: str) -> Certificate:
    """Another certificate of the same name over the same key."""
    old = certificate(name)
    builder = x509.CertificateBuilder().subject_name(old.x509.subject).issuer_name(old.x509.issuer)
    builder = builder.public_key(old.key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(old.x509.not_valid_before_utc).not_valid_after(old.x509.not_valid_after_utc)
    for extension in old.x509.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return Certificate(old.key, builder.sign(old.key, hashes.SHA256()).public_bytes(Encoding.DER))


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, content_commitment=not authority, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=authority, crl_sign=authority,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def leaf(office: str) -> Certificate:
    return certificate(f"Office {office}")


@cache
def crl(issuer: str, this_update: int = T - 3600, revoked: int | None = None, since: int = T - 60) -> bytes:
    parent = certificate(issuer)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(parent.x509.subject)
        .last_update(moment(this_update))
        .next_update(moment(this_update + 7 * 86_400))
    )
    if revoked is not None:
        entry = x509.RevokedCertificateBuilder().serial_number(revoked).revocation_date(moment(since)).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(parent.key, hashes.SHA256()).public_bytes(Encoding.DER)


def validation(**changes: Any) -> ValidationData:
    made = {
        "certificates": (certificate(ISSUING).der,),
        "crls": tuple(sorted((crl(ROOT), crl(ISSUING)))),
        "ocsps": (),
    }
    return ValidationData(**{**made, **changes})


def sign(content: bytes, by: Certificate, at: int = T - 20) -> bytes:
    attributes = signed_attributes(content, by.der, at)
    return assemble(by.der, attributes, sign_raw(by.key, attributes))

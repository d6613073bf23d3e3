"""Key objects of ``cryptography``: reading them, naming them, and what is said of them to others."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from ledger.errors import ConfigError, InputError

_LONGEST_NAME = 64  # ub-organization-name (X.520, RFC 5280 appendix A.1), in characters


def signing_request(key: Any, organisation: str, organization_name: str) -> bytes:
    """A certification request (PKCS#10, RFC 2986, DER), signed with the key itself. The subject holds
    organizationName and the organisation's id as organizationIdentifier (X.520); a CA may write another.

    Raises:
        InputError: ``KEYS_REQUEST_NAME`` for a name that X.520 does not allow (1 to 64 characters).
    """
    if not 1 <= len(organization_name) <= _LONGEST_NAME:
        raise InputError("KEYS_REQUEST_NAME", length=len(organization_name))
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization_name),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organisation),
        ]
    )
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, SHA256())
    return request.public_bytes(Encoding.DER)


def load_pem(pem: bytes, passphrase: bytes | None, name: str) -> Any:
    encrypted = b"ENCRYPTED" in pem
    if encrypted and passphrase is None:
        raise ConfigError("KEYS_PASSPHRASE")
    try:
        return serialization.load_pem_private_key(pem, passphrase if encrypted else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError("KEYS_PASSPHRASE" if encrypted else "KEYS_DAMAGED", name=name) from error


def public_info(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def secret_scalar(key: Any) -> bytes:
    return int(key.private_numbers().private_value).to_bytes(32, "big")


def algorithm_of(key: Any) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {"secp256r1": "ecdsa-p256"}.get(key.curve.name, key.curve.name)
    return type(key).__name__


def certificate_for(key: Any, certificate: bytes, name: str) -> bytes:
    """PEM of a certificate that holds the public half of ``key``."""
    try:
        found = x509.load_der_x509_certificate(certificate)
        public = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("KEYS_DAMAGED", name=name) from error
    if public != public_info(key):
        raise ConfigError("KEYS_CERTIFICATE", name=name)
    return found.public_bytes(Encoding.PEM)

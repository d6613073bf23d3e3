"""Certificates for paths that need more than ``crypto_kit`` makes: constraints, policies, any algorithm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crypto_kit import CA_USAGE, DAY, DER, NOW, SIGN_USAGE, at, p256
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from ledger.crypto import der

Extensions = tuple[tuple[x509.ExtensionType, bool], ...]


@dataclass(frozen=True)
class Party:
    """A name and its key; ``name``: (attribute, value) pairs joined by commas, or an organisation's."""

    name: str
    key: Any = field(default_factory=p256)

    @property
    def dn(self) -> x509.Name:
        if "=" not in self.name:
            return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.name)])
        return x509.Name.from_rfc4514_string(self.name)


def issue(
    subject: Party,
    issuer: Party,
    *extensions: x509.ExtensionType | tuple[x509.ExtensionType, bool],
    ca: bool = False,
    length: int | None = None,
    basic: bool = True,
    usage: x509.KeyUsage | None = None,
    since: int = NOW - DAY,
    until: int = NOW + 365 * DAY,
) -> bytes:
    """A certificate of ``subject`` by ``issuer``; extensions alone are not critical."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject.dn)
        .issuer_name(issuer.dn)
        .public_key(subject.key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at(since))
        .not_valid_after(at(until))
        .add_extension(usage or (CA_USAGE if ca else SIGN_USAGE), True)
    )
    if basic:
        builder = builder.add_extension(x509.BasicConstraints(ca, length), True)
    for given in extensions:
        extension, critical = given if isinstance(given, tuple) else (given, False)
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, SHA256()).public_bytes(DER)


def resigned(data: bytes, identifier: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """The same content under another AlgorithmIdentifier (DER), signed by ``sign``."""
    fields = der.read(data, der.SEQUENCE).children()[0].children()
    fields_out = [f.outer for f in fields]
    fields_out[2] = identifier
    content = der.write(der.SEQUENCE, *fields_out)
    return der.write(der.SEQUENCE, content, identifier, der.write(der.BIT_STRING, b"\0", sign(content)))


def with_second(data: bytes, issuer: Party, oid: str, value: bytes, first: bool) -> bytes:
    """The certificate with one more critical extension, before or behind its own, signed anew (ECDSA)."""
    fields = [field.outer for field in der.read(data, der.SEQUENCE).children()[0].children()]
    critical = der.write(0x01, b"\xff")
    more = der.write(der.SEQUENCE, der.write_oid(oid), critical, der.write(der.OCTET_STRING, value))
    own = der.read(der.read(fields[-1], 0xA3).content, der.SEQUENCE).content
    fields[-1] = der.write(0xA3, der.write(der.SEQUENCE, *((more, own) if first else (own, more))))
    content = der.write(der.SEQUENCE, *fields)
    signature = issuer.key.sign(content, ec.ECDSA(SHA256()))
    return der.write(der.SEQUENCE, content, fields[2], der.write(der.BIT_STRING, b"\0", signature))


def raw_extension(oid: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)

"""OCSP responses of every shape, signed by keys of any algorithm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID

from ledger.crypto import der
from ledger.crypto.digests import sm3
from ledger.crypto.revocation_info import Subject, read_subject

NOW, DAY = 1_790_000_000, 86_400
ECDSA = der.write(der.SEQUENCE, der.write_oid("1.2.840.10045.4.3.2"))
ECDSA_SHA1 = der.write(der.SEQUENCE, der.write_oid("1.2.840.10045.4.1"))
SM2 = der.write(der.SEQUENCE, der.write_oid("1.2.156.10197.1.501"))
HASHES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "sha1": ("1.3.14.3.2.26", lambda data: hashlib.sha1(data, usedforsecurity=False).digest()),
    "sha256": ("2.16.840.1.101.3.4.2.1", lambda data: hashlib.sha256(data).digest()),
    "sm3": ("1.2.156.10197.1.401", sm3),
}
GOOD, UNKNOWN = b"\x80\x00", b"\x82\x00"
OCSP_EKU = ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False),)
NO_CHECK = ((x509.OCSPNoCheck(), False),)


def ecdsa(key: Any) -> Callable[[bytes], bytes]:
    return lambda data: bytes(key.sign(data, ec.ECDSA(SHA256())))


def time(instant: int) -> bytes:
    return der.write(der.GENERALIZED_TIME, datetime.fromtimestamp(instant, UTC).strftime("%Y%m%d%H%M%SZ").encode())


def revoked(since: int, reason: int | None = None) -> bytes:
    given = der.write(0xA0, der.write(0x0A, bytes((reason,)))) if reason is not None else b""
    return der.write(0xA1, time(since), given)


def extension(oid: str, value: bytes, critical: bool = False) -> bytes:
    mark = der.write(0x01, b"\xff") if critical else b""
    return der.write(der.SEQUENCE, der.write_oid(oid), mark, der.write(der.OCTET_STRING, value))


def cert_id(subject: Subject, issuer: Subject, hash_: str = "sha1") -> bytes:
    oid, digest = HASHES[hash_]
    names = (der.write(der.OCTET_STRING, digest(part)) for part in (subject.parts.issuer, issuer.public_key))
    algorithm = der.write(der.SEQUENCE, der.write_oid(oid), der.write(der.NULL))
    return der.write(der.SEQUENCE, algorithm, *names, subject.parts.serial)


def single(
    leaf: bytes,
    issuer: bytes,
    status: bytes = GOOD,
    taken: int = NOW - 100,
    until: int | None = NOW + DAY,
    hash_: str = "sha1",
    extensions: tuple[bytes, ...] = (),
) -> bytes:
    more = der.write(0xA0, time(until)) if until is not None else b""
    if extensions:
        more += der.write(0xA1, der.write(der.SEQUENCE, *extensions))
    named = cert_id(read_subject(leaf), read_subject(issuer), hash_)
    return der.write(der.SEQUENCE, named, status, time(taken), more)


def response(
    responder: bytes,
    sign: Callable[[bytes], bytes],
    *singles: bytes,
    produced: int | None = None,
    by_key: str | None = None,
    enclosed: tuple[bytes, ...] = (),
    algorithm: bytes = ECDSA,
    extensions: tuple[bytes, ...] = (),
) -> bytes:
    """``responder``: the certificate (DER) named as such, by name or by the hash ``by_key`` of its key."""
    subject = read_subject(responder)
    named = der.write(0xA1, subject.parts.subject)
    if by_key is not None:
        named = der.write(0xA2, der.write(der.OCTET_STRING, HASHES[by_key][1](subject.public_key)))
    more = der.write(0xA1, der.write(der.SEQUENCE, *extensions)) if extensions else b""
    signed = der.write(
        der.SEQUENCE, named, time(NOW - 100 if produced is None else produced), der.write(der.SEQUENCE, *singles), more
    )
    parts = [signed, algorithm, der.write(der.BIT_STRING, b"\0", sign(signed))]
    if enclosed:
        parts.append(der.write(0xA0, der.write(der.SEQUENCE, *enclosed)))
    octets = der.write(der.OCTET_STRING, der.write(der.SEQUENCE, *parts))
    basic = der.write(der.SEQUENCE, der.write_oid("1.3.6.1.5.5.7.48.1.1"), octets)
    return der.write(der.SEQUENCE, der.write(0x0A, b"\0"), der.write(0xA0, basic))

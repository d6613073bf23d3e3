"""Which signature algorithms a CMS of this project may use now.

One row an algorithm: what the key must be, how the algorithm is written, how a signature is verified. The key
of the signing certificate selects the row, never a field beside the signature, so one algorithm cannot pass
for another. An RSA key is one for PSS if its SubjectPublicKeyInfo says id-RSASSA-PSS (RFC 4055 section 1.2), for
PKCS #1 v1.5 otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ledger.crypto import der
from ledger.crypto.certificates import SM2_WITH_SM3
from ledger.crypto.digests import sm3
from ledger.crypto.sm2 import Sm2PublicKey
from ledger.crypto.sm2_encoding import is_sm2_spki
from ledger.errors import InputError

RSA_BITS = range(2048, 4096 + 1)
_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Digest:
    """``identifier``: AlgorithmIdentifier without parameters, DER (RFC 5754 section 2)."""

    identifier: bytes
    of: Callable[[bytes], bytes]


_SHA256 = Digest(
    der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.2.1")), lambda data: hashlib.sha256(data).digest()
)
_SHA384 = Digest(
    der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.2.2")), lambda data: hashlib.sha384(data).digest()
)
_SHA512 = Digest(
    der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.2.3")), lambda data: hashlib.sha512(data).digest()
)
_SM3 = Digest(der.write(der.SEQUENCE, der.write_oid("1.2.156.10197.1.401")), sm3)


@dataclass(frozen=True, slots=True)
class Algorithm:
    """``identifier``: AlgorithmIdentifier, DER (RFC 5754 section 3). ``digest``: of a content that a CMS signs with
    this algorithm. ``verify(key, signature, data)`` raises."""

    name: str
    identifier: bytes
    digest: Digest
    fits: Callable[[Any], bool]
    verify: Callable[[Any, bytes, bytes], None]
    sign: Callable[[Any, bytes], bytes]


@dataclass(frozen=True, slots=True)
class _PssKey:
    """A public RSA key whose certificate allows PSS alone."""

    key: Any


def _ecdsa(
    name: str, oid: str, curve: type[ec.EllipticCurve], hash_: type[SHA256 | SHA384], digest: Digest
) -> Algorithm:
    def verify(key: Any, signature: bytes, data: bytes) -> None:
        # strict DER (SEC 1 appendix C.8): a second spelling of one signature would be slack
        try:
            if encode_dss_signature(*decode_dss_signature(signature)) != signature:
                raise InvalidSignature
        except ValueError as error:
            raise InvalidSignature from error
        key.verify(signature, data, ec.ECDSA(hash_()))

    return Algorithm(
        name,
        der.write(der.SEQUENCE, der.write_oid(oid)),
        digest,
        lambda key: isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, curve),
        verify,
        lambda key, data: bytes(key.sign(data, ec.ECDSA(hash_()))),
    )


def _pss_parameters(hash_parameters: bytes) -> bytes:
    """RSASSA-PSS-params (RFC 4055 section 3.1): SHA-256, MGF1 with SHA-256, salt of 32 bytes."""
    sha256 = der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.2.1"), hash_parameters)
    mgf1 = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.8"), sha256)
    salt = der.write(der.INTEGER, b"\x20")
    return der.write(der.SEQUENCE, der.write(0xA0, sha256), der.write(0xA1, mgf1), der.write(0xA2, salt))


_RSA = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.1"), der.write(der.NULL))
_PSS_OID = der.write_oid("1.2.840.113549.1.1.10")
_PSS = der.write(der.SEQUENCE, _PSS_OID, _pss_parameters(der.write(der.NULL)))
# a key may leave its parameters open, and its SHA-256 may stand with or without NULL (RFC 4055 section 2.1)
_PSS_KEYS = (der.write(der.SEQUENCE, _PSS_OID), _PSS, der.write(der.SEQUENCE, _PSS_OID, _pss_parameters(b"")))
_PSS_PADDING = padding.PSS(padding.MGF1(SHA256()), 32)


def _verify_sm2(key: Any, signature: bytes, data: bytes) -> None:
    try:
        key.verify(signature, data)
    except InputError as error:
        raise InvalidSignature from error


ALGORITHMS = (
    _ecdsa("ecdsa-p256-sha256", "1.2.840.10045.4.3.2", ec.SECP256R1, SHA256, _SHA256),
    Algorithm(
        "rsa-pkcs1-sha256",
        der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.11"), der.write(der.NULL)),
        _SHA256,
        lambda key: isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS,
        lambda key, signature, data: key.verify(signature, data, padding.PKCS1v15(), SHA256()),
        lambda key, data: bytes(key.sign(data, padding.PKCS1v15(), SHA256())),
    ),
    Algorithm(
        "rsa-pss-sha256",
        _PSS,
        _SHA256,
        lambda key: isinstance(key, _PssKey) and key.key.key_size in RSA_BITS,
        lambda key, signature, data: key.key.verify(signature, data, _PSS_PADDING, SHA256()),
        lambda key, data: bytes(key.sign(data, _PSS_PADDING, SHA256())),
    ),
    _ecdsa("ecdsa-p384-sha384", "1.2.840.10045.4.3.3", ec.SECP384R1, SHA384, _SHA384),
    Algorithm(
        "ed25519",
        der.write(der.SEQUENCE, der.write_oid("1.3.101.112")),
        _SHA512,  # RFC 8419 section 3.1
        lambda key: isinstance(key, ed25519.Ed25519PublicKey),
        lambda key, signature, data: key.verify(signature, data),
        lambda key, data: bytes(key.sign(data)),
    ),
    Algorithm(
        "sm2-sm3",
        der.write(der.SEQUENCE, der.write_oid(SM2_WITH_SM3)),
        _SM3,
        lambda key: isinstance(key, Sm2PublicKey),
        _verify_sm2,
        lambda key, data: bytes(key.sign(data)),
    ),
)


def _load(spki: bytes) -> Any:
    if is_sm2_spki(spki):
        return Sm2PublicKey.from_spki(spki)
    algorithm, key = der.members(der.read(spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)
    if algorithm.outer in _PSS_KEYS:
        return _PssKey(load_der_public_key(der.write(der.SEQUENCE, _RSA, key.outer)))
    if algorithm.children()[0].outer == _PSS_OID:
        raise InputError("SIGNATURE_KEY")  # bound to other parameters than the row's
    return load_der_public_key(spki)


# The records of a batch share one certificate, and a CMS asks for its key four times.
@lru_cache(256)
def _select(spki: bytes) -> tuple[Algorithm, Any]:
    try:
        key = _load(spki)
    except (InputError, ValueError, IndexError, UnsupportedAlgorithm) as error:
        raise InputError("SIGNATURE_KEY") from error
    for algorithm in ALGORITHMS:
        if algorithm.fits(key):
            return algorithm, key
    raise InputError("SIGNATURE_KEY")


def algorithm_of(spki: bytes) -> Algorithm:
    """The row for a SubjectPublicKeyInfo (DER).

    Raises:
        InputError: ``SIGNATURE_KEY`` for a key that no row allows.
    """
    return _select(spki)[0]


def verify_raw(spki: bytes, algorithm: str, signature: bytes, data: bytes) -> None:
    """Verify ``signature`` over ``data``.

    Raises:
        InputError: ``SIGNATURE_KEY``; ``SIGNATURE_ALGORITHM`` if the key is not one for ``algorithm``;
            ``SIGNATURE_INVALID``.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check it.
    """
    found, key = _select(spki)
    if found.name != algorithm:
        raise InputError("SIGNATURE_ALGORITHM", expected=found.name, found=algorithm)
    try:
        found.verify(key, signature, data)
    except InvalidSignature as error:
        raise InputError("SIGNATURE_INVALID") from error


def sign_raw(private_key: Any, data: bytes, spki: bytes | None = None) -> bytes:
    """Sign with a private key object of ``cryptography`` or a ``Sm2PrivateKey``.

    The algorithm is the one of its public key; ``spki``, that of the certificate, tells where the key alone does
    not (RSA for PSS).

    Raises:
        InputError: ``SIGNATURE_KEY``, also where ``spki`` is another key's.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    public = private_key.public_key()
    if spki is not None:
        algorithm, named = _select(spki)
        plain = named.key if isinstance(named, _PssKey) else named
        if public.public_bytes(*_SPKI) != plain.public_bytes(*_SPKI):
            raise InputError("SIGNATURE_KEY")
        return algorithm.sign(private_key, data)
    for algorithm in ALGORITHMS:
        if algorithm.fits(public):
            return algorithm.sign(private_key, data)
    raise InputError("SIGNATURE_KEY")

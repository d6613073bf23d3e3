"""Which signature algorithms a CMS of this project may use now.

One row an algorithm: what the key must be, how the algorithm is written, how a signature is verified. The key
of the signing certificate selects the row, never a field beside the signature, so one algorithm cannot pass
for another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.crypto import der
from ledger.errors import InputError

RSA_BITS = range(2048, 4096 + 1)
SHA256_IDENTIFIER = der.write(der.SEQUENCE, der.write_oid("2.16.840.1.101.3.4.2.1"))


@dataclass(frozen=True, slots=True)
class Algorithm:
    """``identifier``: AlgorithmIdentifier, DER (RFC 5754 section 3). ``verify(key, signature, data)``
    raises."""

    name: str
    identifier: bytes
    fits: Callable[[Any], bool]
    verify: Callable[[Any, bytes, bytes], None]
    sign: Callable[[Any, bytes], bytes]


def _verify_ecdsa(key: Any, signature: bytes, data: bytes) -> None:
    # strict DER (SEC 1 appendix C.8): a second spelling of one signature would be slack
    try:
        if encode_dss_signature(*decode_dss_signature(signature)) != signature:
            raise InvalidSignature
    except ValueError as error:
        raise InvalidSignature from error
    key.verify(signature, data, ec.ECDSA(SHA256()))


ALGORITHMS = (
    Algorithm(
        "ecdsa-p256-sha256",
        der.write(der.SEQUENCE, der.write_oid("1.2.840.10045.4.3.2")),
        lambda key: isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1),
        _verify_ecdsa,
        lambda key, data: bytes(key.sign(data, ec.ECDSA(SHA256()))),
    ),
    Algorithm(
        "rsa-pkcs1-sha256",
        der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.11"), der.write(der.NULL)),
        lambda key: isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS,
        lambda key, signature, data: key.verify(signature, data, padding.PKCS1v15(), SHA256()),
        lambda key, data: bytes(key.sign(data, padding.PKCS1v15(), SHA256())),
    ),
)


def _select(spki: bytes) -> tuple[Algorithm, Any]:
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
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
    """
    found, key = _select(spki)
    if found.name != algorithm:
        raise InputError("SIGNATURE_ALGORITHM", expected=found.name, found=algorithm)
    try:
        found.verify(key, signature, data)
    except InvalidSignature as error:
        raise InputError("SIGNATURE_INVALID") from error


def sign_raw(private_key: Any, data: bytes) -> bytes:
    """Sign with a private key object of ``cryptography``; the algorithm is the one of its public key.

    Raises:
        InputError: ``SIGNATURE_KEY``.
    """
    for algorithm in ALGORITHMS:
        if algorithm.fits(private_key.public_key()):
            return algorithm.sign(private_key, data)
    raise InputError("SIGNATURE_KEY")

"""Signatures by authorities: on certificates, revocation lists, OCSP responses.

Wider than what this project signs with (``algorithms``): an authority may pair a P-384 key with SHA-256, or RSA with
SHA-512. One table of whole AlgorithmIdentifiers, compared as bytes: what is not in it is refused, among it MD5, SHA-1,
PSS with other parameters than those in use, and whatever comes tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ledger.crypto import der
from ledger.crypto.algorithms import RSA_BITS
from ledger.crypto.certificates import SM2_WITH_SM3
from ledger.crypto.sm2 import Sm2PublicKey
from ledger.crypto.sm2_encoding import is_sm2_spki
from ledger.errors import InputError

Family = Literal["rsa", "pss", "ecdsa", "ed25519", "sm2"]
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_NULL = der.write(der.NULL)
_PSS_OID = der.write_oid("1.2.840.113549.1.1.10")
_RSA_KEY = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.1"), _NULL)


@dataclass(frozen=True, slots=True)
class Scheme:
    """How an authority signed: ``name`` for people, ``hash`` where the family leaves it open."""

    name: str
    family: Family
    hash: Any = None


def _pss(oid: str, parameters: bytes, octets: int) -> bytes:
    """AlgorithmIdentifier with RSASSA-PSS-params (RFC 4055 section 3.1): one hash for message and mask, a salt of its
    length."""
    hash_ = der.write(der.SEQUENCE, der.write_oid(oid), parameters)
    mask = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.1.1.8"), hash_)
    salt = der.write(der.INTEGER, bytes([octets]))
    given = der.write(der.SEQUENCE, der.write(0xA0, hash_), der.write(0xA1, mask), der.write(0xA2, salt))
    return der.write(der.SEQUENCE, _PSS_OID, given)


def _table() -> dict[bytes, Scheme]:
    found = {}

    def add(oid: str, scheme: Scheme, *parameters: bytes) -> None:
        found.update({der.write(der.SEQUENCE, der.write_oid(oid), p): scheme for p in parameters})

    hashes = (
        ("1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.2.1", SHA256()),
        ("1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3", "2.16.840.1.101.3.4.2.2", SHA384()),
        ("1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4", "2.16.840.1.101.3.4.2.3", SHA512()),
    )
    for rsa_oid, ecdsa_oid, oid, hash_ in hashes:
        # RFC 4055 section 5: with NULL, and readers must accept it without
        add(rsa_oid, Scheme(f"rsa-pkcs1-{hash_.name}", "rsa", hash_), _NULL, b"")
        add(ecdsa_oid, Scheme(f"ecdsa-{hash_.name}", "ecdsa", hash_), b"")
        pss = Scheme(f"rsa-pss-{hash_.name}", "pss", hash_)
        found.update({_pss(oid, parameters, hash_.digest_size): pss for parameters in (_NULL, b"")})
    add("1.3.101.112", Scheme("ed25519", "ed25519"), b"")
    add(SM2_WITH_SM3, Scheme("sm2-sm3", "sm2"), b"", _NULL)
    return found


_SCHEMES = _table()


@dataclass(frozen=True, slots=True)
class _Key:
    """``only``: the one scheme, or for ``pss`` alone any of its, that the SubjectPublicKeyInfo allows."""

    families: tuple[Family, ...]
    key: Any
    only: Scheme | None = None


def scheme_of(identifier: bytes) -> Scheme:
    """The scheme of an AlgorithmIdentifier, DER.

    Raises:
        InputError: ``SIGNATURE_SCHEME`` for one that no authority may use.
    """
    found = _SCHEMES.get(identifier)
    if found is None:
        raise InputError("SIGNATURE_SCHEME")
    return found


def identifier_of(scheme: Scheme) -> bytes:
    """The AlgorithmIdentifier, DER, that writers give ``scheme``: of several spellings one."""
    return next(identifier for identifier, found in _SCHEMES.items() if found is scheme)


def require_key(spki: bytes) -> None:
    """A key that a certificate of a path may hold.

    Raises:
        InputError: ``SIGNATURE_KEY``: an unknown kind or curve, or RSA out of bounds.
    """
    _key(spki)


def key_name(spki: bytes) -> str:
    """A key for people: ``rsa-3072``, ``ecdsa-p256``, ``ed25519``, ``sm2``; ``?`` for one that is not allowed."""
    try:
        found = _key(spki)
    except InputError:
        return "?"
    size = getattr(found.key, "key_size", 0)
    return {"rsa": f"rsa-{size}", "pss": f"rsa-pss-{size}", "ecdsa": f"ecdsa-p{size}"}.get(
        found.families[0], found.families[0]
    )


def verify_issued(spki: bytes, identifier: bytes, signature: bytes, data: bytes) -> None:
    """Verify an authority's ``signature`` over ``data``; ``identifier``: AlgorithmIdentifier, DER.

    Raises:
        InputError: ``SIGNATURE_SCHEME``; ``SIGNATURE_KEY`` a key not allowed, or not one for the scheme;
            ``SIGNATURE_INVALID``.
        ConfigError: ``SM2_UNAVAILABLE`` where this machine cannot check it.
    """
    scheme, found = scheme_of(identifier), _key(spki)
    if scheme.family not in found.families or found.only not in (None, scheme):
        raise InputError("SIGNATURE_KEY")
    try:
        _verify(scheme, found.key, signature, data)
    except InvalidSignature as error:
        raise InputError("SIGNATURE_INVALID") from error


def _verify(scheme: Scheme, key: Any, signature: bytes, data: bytes) -> None:
    match scheme.family:
        case "rsa":
            key.verify(signature, data, padding.PKCS1v15(), scheme.hash)
        case "pss":
            pss = padding.PSS(padding.MGF1(scheme.hash), scheme.hash.digest_size)
            key.verify(signature, data, pss, scheme.hash)
        case "ecdsa":
            key.verify(signature, data, ec.ECDSA(scheme.hash))
        case "ed25519":
            key.verify(signature, data)
        case "sm2":
            try:
                key.verify(signature, data)
            except InputError as error:
                raise InvalidSignature from error


# Chains share their authorities, and opening a key costs as much as a check with it.
@lru_cache(256)
def _key(spki: bytes) -> _Key:
    try:
        if is_sm2_spki(spki):
            return _Key(("sm2",), Sm2PublicKey.from_spki(spki))
        algorithm, bits = der.members(der.read(spki, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)
        pss_only = algorithm.children()[0].outer == _PSS_OID
        if pss_only:
            spki = der.write(der.SEQUENCE, _RSA_KEY, bits.outer)
        key = load_der_public_key(spki)
    except (InputError, ValueError, IndexError, UnsupportedAlgorithm) as error:
        raise InputError("SIGNATURE_KEY") from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        if not pss_only:
            return _Key(("rsa", "pss"), key)
        bare = algorithm.outer == der.write(der.SEQUENCE, _PSS_OID)
        # RFC 4055 section 3.3: parameters in the key bind its signatures
        return _Key(("pss",), key, None if bare else _pss_scheme(algorithm.outer))
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES):
        return _Key(("ecdsa",), key)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _Key(("ed25519",), key)
    raise InputError("SIGNATURE_KEY")


def _pss_scheme(identifier: bytes) -> Scheme:
    try:
        return scheme_of(identifier)
    except InputError as error:
        raise InputError("SIGNATURE_KEY") from error

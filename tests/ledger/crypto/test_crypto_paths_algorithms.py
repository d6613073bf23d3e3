"""Algorithms of authorities: all that are allowed, and weak or ill-fitting ones anywhere in a path."""

# ruff: noqa: S303, S324 - that they are refused is the test

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from crypto_kit import NOW, RSA_KEY, p256
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import MD5, SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paths_kit import Party, issue, resigned
from sm2_kit import Sm2Chain

from ledger.crypto import der
from ledger.crypto.issuer_signatures import require_key, scheme_of, verify_issued
from ledger.crypto.paths import build_path
from ledger.errors import InputError

NULL = der.write(der.NULL)
P384, P521 = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())
HASHES: dict[str, tuple[HashAlgorithm, str]] = {
    "sha1": (SHA1(), "1.3.14.3.2.26"),
    "sha256": (SHA256(), "2.16.840.1.101.3.4.2.1"),
    "sha384": (SHA384(), "2.16.840.1.101.3.4.2.2"),
    "sha512": (SHA512(), "2.16.840.1.101.3.4.2.3"),
}


def identifier(oid: str, parameters: bytes = b"") -> bytes:
    return der.write(der.SEQUENCE, der.write_oid(oid), parameters)


def pss(hash_: str = "sha256", mask: str | None = None, salt: int = 32, trailer: int | None = None) -> bytes:
    digest = identifier(HASHES[hash_][1], NULL)
    mgf = identifier("1.2.840.113549.1.1.8", identifier(HASHES[mask or hash_][1], NULL))
    fields = [der.write(0xA0, digest), der.write(0xA1, mgf), der.write(0xA2, der.write(der.INTEGER, bytes([salt])))]
    if trailer is not None:
        fields.append(der.write(0xA3, der.write(der.INTEGER, bytes([trailer]))))
    return identifier("1.2.840.113549.1.1.10", der.write(der.SEQUENCE, *fields))


def sign_pss(hash_: str = "sha256", mask: str | None = None, salt: int = 32) -> Callable[[bytes], bytes]:
    mgf = padding.MGF1(HASHES[mask or hash_][0])
    return lambda data: bytes(RSA_KEY.sign(data, padding.PSS(mgf, salt), HASHES[hash_][0]))


def sign_rsa(hash_: HashAlgorithm) -> Callable[[bytes], bytes]:
    return lambda data: bytes(RSA_KEY.sign(data, padding.PKCS1v15(), hash_))


def sign_ec(key: Any, hash_: HashAlgorithm) -> Callable[[bytes], bytes]:
    return lambda data: bytes(key.sign(data, ec.ECDSA(hash_)))


ED = ed25519.Ed25519PrivateKey.generate()
RSA_OID, EC_OID = "1.2.840.113549.1.1.", "1.2.840.10045.4.3."
GOOD = {
    "RSA with SHA-256": (RSA_KEY, identifier(RSA_OID + "11", NULL), sign_rsa(SHA256())),
    "RSA with SHA-384, no parameters": (RSA_KEY, identifier(RSA_OID + "12"), sign_rsa(SHA384())),
    "RSA with SHA-512": (RSA_KEY, identifier(RSA_OID + "13", NULL), sign_rsa(SHA512())),
    "PSS with SHA-256": (RSA_KEY, pss(), sign_pss()),
    "PSS with SHA-512": (RSA_KEY, pss("sha512", salt=64), sign_pss("sha512", salt=64)),
    "P-256": (p256(), identifier(EC_OID + "2"), None),
    "P-384": (P384, identifier(EC_OID + "3"), sign_ec(P384, SHA384())),
    "P-384 with SHA-256": (P384, identifier(EC_OID + "2"), sign_ec(P384, SHA256())),
    "P-521": (P521, identifier(EC_OID + "4"), sign_ec(P521, SHA512())),
    "Ed25519": (ED, identifier("1.3.101.112"), ED.sign),
}


def chain(key: Any, algorithm: bytes, sign: Callable[[bytes], bytes] | None, position: int = 0) -> list[bytes]:
    """leaf, issuing, root of P-256, but the one at ``position`` is signed by ``key`` under ``algorithm``."""
    root, issuing, office = Party("Root"), Party("Issuing"), Party("Office")
    parties = [issuing, root, root]
    parties[position] = Party(parties[position].name, key)
    if position > 0:
        root = parties[1] = parties[2] = Party("Root", key)
    else:
        issuing = parties[0]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        stand_in = p256()  # ``issue`` names a hash, which Ed25519 has not; the signature is exchanged below
        signer = {id(party): Party(party.name, stand_in) if party.key is key else party for party in (root, issuing)}
    else:
        signer = {id(party): party for party in (root, issuing)}
    made = [
        issue(office, signer[id(issuing)]),
        issue(issuing, signer[id(root)], ca=True),
        issue(root, signer[id(root)], ca=True),
    ]
    if sign is not None:
        made[position] = resigned(made[position], algorithm, sign)
    return made


def code(made: list[bytes]) -> str | None:
    try:
        build_path(made[0], [made[1]], [made[2]], NOW)
    except InputError as error:
        return error.code
    return None


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("position", [0, 1])
def test_every_algorithm_of_authorities(name: str, position: int) -> None:
    key, algorithm, sign = GOOD[name]
    made = chain(key, algorithm, sign, position)
    assert code(made) is None
    made[position] = made[position][:-1] + bytes([made[position][-1] ^ 1])
    assert code(made) in {"PATH_SIGNATURE", "PATH_ALGORITHM"}


def test_a_chain_of_sm2() -> None:
    sm2 = Sm2Chain()
    assert code([sm2.leaf, sm2.issuing, sm2.root]) is None


def md5_signature(data: bytes) -> bytes:
    return bytes(RSA_KEY.sign(hashlib.md5(data).digest(), padding.PKCS1v15(), Prehashed(MD5())))


BAD = {
    "MD5": (RSA_KEY, identifier(RSA_OID + "4", NULL), md5_signature),
    "SHA-1 with RSA": (RSA_KEY, identifier(RSA_OID + "5", NULL), sign_rsa(SHA1())),
    "SHA-1 with ECDSA": (P384, identifier("1.2.840.10045.4.1"), sign_ec(P384, SHA1())),
    "PSS with SHA-1, all defaults": (
        RSA_KEY,
        identifier(RSA_OID + "10", der.write(der.SEQUENCE)),
        sign_pss("sha1", salt=20),
    ),
    "PSS whose mask is of another hash": (RSA_KEY, pss(mask="sha1"), sign_pss(mask="sha1")),
    "PSS without salt": (RSA_KEY, pss(salt=0), sign_pss(salt=0)),
    "PSS with another trailer": (RSA_KEY, pss(trailer=2), sign_pss()),
    "PSS without parameters": (RSA_KEY, identifier(RSA_OID + "10"), sign_pss()),
    "ECDSA with parameters": (P384, identifier(EC_OID + "2", NULL), sign_ec(P384, SHA256())),
    "no algorithm known": (P384, identifier("1.2.3.4"), sign_ec(P384, SHA256())),
}
ILL_FITTING = {
    "RSA said of a P-384 key": (P384, identifier(RSA_OID + "11", NULL), sign_ec(P384, SHA256())),
    "ECDSA said of an RSA key": (RSA_KEY, identifier(EC_OID + "2"), sign_rsa(SHA256())),
    "SM2 said of a P-384 key": (P384, identifier("1.2.156.10197.1.501"), sign_ec(P384, SHA256())),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("position", [0, 1])
def test_weak_algorithms(name: str, position: int) -> None:
    assert code(chain(*BAD[name], position)) == "PATH_ALGORITHM"


@pytest.mark.parametrize("name", ILL_FITTING)
@pytest.mark.parametrize("position", [0, 1])
def test_an_algorithm_that_is_none_for_the_key_is_somebody_elses_signature(name: str, position: int) -> None:
    assert code(chain(*ILL_FITTING[name], position)) == "PATH_SIGNATURE"


def test_an_anchors_signature_over_itself_is_nobodys_proof() -> None:
    made = chain(*BAD["SHA-1 with RSA"], position=2)
    assert code(made) is None


SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is refused is the test


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_short_rsa_key_anywhere(position: int) -> None:
    parties = [Party("Office"), Party("Issuing"), Party("Root")]
    parties[position] = Party(parties[position].name, SHORT)
    office, issuing, root = parties
    made = [issue(office, issuing), issue(issuing, root, ca=True), issue(root, root, ca=True)]
    assert code(made) == "PATH_ALGORITHM"


# ---- keys that are for PSS alone (RFC 4055 section 3.3)


def pss_spki(parameters: bytes) -> bytes:
    spki = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bits = der.read(spki, der.SEQUENCE).children()[1].outer
    return der.write(der.SEQUENCE, parameters or identifier(RSA_OID + "10"), bits)


def verdict(spki: bytes, algorithm: bytes, signature: bytes) -> str | None:
    try:
        verify_issued(spki, algorithm, signature, b"data")
    except InputError as error:
        return error.code
    return None


def test_a_key_for_pss_alone_never_checks_another_padding() -> None:
    spki = pss_spki(b"")
    assert verdict(spki, pss(), sign_pss()(b"data")) is None
    assert verdict(spki, pss("sha384", salt=48), sign_pss("sha384", salt=48)(b"data")) is None
    assert verdict(spki, identifier(RSA_OID + "11", NULL), sign_rsa(SHA256())(b"data")) == "SIGNATURE_KEY"


def test_parameters_in_a_key_bind_its_signatures() -> None:
    spki = pss_spki(pss())
    assert verdict(spki, pss(), sign_pss()(b"data")) is None
    assert verdict(spki, pss("sha384", salt=48), sign_pss("sha384", salt=48)(b"data")) == "SIGNATURE_KEY"
    for odd in (pss(salt=20), pss(mask="sha384")):
        with pytest.raises(InputError, match="SIGNATURE_KEY"):
            require_key(pss_spki(odd))


def test_keys_that_no_certificate_may_hold() -> None:
    odd = ec.generate_private_key(ec.SECP256K1()).public_key()
    for spki in (b"", b"\x30\x00", odd.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)):
        with pytest.raises(InputError, match="SIGNATURE_KEY"):
            require_key(spki)
    with pytest.raises(InputError, match="SIGNATURE_SCHEME"):
        scheme_of(b"")

"""Private keys in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from ledger.crypto import der, pem, sm2
from ledger.crypto.algorithms import algorithm_of
from ledger.crypto.sealed_keys import seal_key
from ledger.crypto.sm2_encoding import CURVE
from ledger.errors import ConfigError, InputError
from ledger.outside.key_material import PSS_OID, RSA_ALGORITHM, algorithm_name, certified_key

_PSS = der.write(der.SEQUENCE, PSS_OID)
_ZERO = der.write(der.INTEGER, b"\x00")
# InternalError: of an Ed25519 key of another length
_UNREADABLE = (InputError, ValueError, TypeError, IndexError, UnsupportedAlgorithm, InternalError)


class SoftwareKey:
    """``ports.PrivateKey`` of a PrivateKeyInfo (PKCS#8, RFC 5958), DER; it neither shows, compares nor pickles itself.

    Raises:
        InputError: ``KEY_FILE_FORM``. ConfigError: ``SM2_UNAVAILABLE``.
    """

    __slots__ = ("_key", "spki")

    def __init__(self, pkcs8: bytes) -> None:
        try:
            self._key, self.spki = _load(pkcs8)
        except _UNREADABLE:
            raise InputError("KEY_FILE_FORM") from None  # no cause: nothing of a file that holds a secret

    @classmethod
    def generate(cls, algorithm: str) -> SoftwareKey:
        """A new key; ``algorithm`` is one of ``MAKERS``.

        Raises:
            ConfigError: ``SM2_UNAVAILABLE``, ``KEYS_ALGORITHM``.
        """
        if algorithm not in MAKERS:
            raise ConfigError("KEYS_ALGORITHM", algorithm=algorithm, purpose="key")
        return cls(MAKERS[algorithm]())

    def __repr__(self) -> str:
        return f"SoftwareKey({algorithm_name(self.spki)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not pickled")

    def sign(self, data: bytes) -> bytes:
        """Raises InputError ``SIGNATURE_KEY`` for a key of secp256k1, which signs for the chain alone."""
        return algorithm_of(self.spki).sign(self._key, data)

    def certified_as(self, spki: bytes) -> SoftwareKey:
        """This key with the SubjectPublicKeyInfo of its certificate, by which it then signs: a CA may certify an RSA
        key for PSS alone.

        Raises:
            InputError: ``SIGNATURE_KEY`` for the certificate of another key.
        """
        found = object.__new__(SoftwareKey)
        found._key, found.spki = self._key, certified_key(self.spki, spki)
        return found

    def to_pem(self, passphrase: bytes | None) -> bytes:
        """PKCS#8, without a passphrase in plain: for a file that only its owner can read."""
        plain = _written(self._key, self.spki)
        if passphrase is None:
            return pem.write("PRIVATE KEY", plain).encode()
        return pem.write("ENCRYPTED PRIVATE KEY", seal_key(plain, passphrase)).encode()

    def reveal(self) -> bytes:
        """The 32-byte secret of a key of secp256k1, for the chain's own signatures. Never log it."""
        return int(self._key.private_numbers().private_value).to_bytes(32, "big")


def _load(pkcs8: bytes) -> tuple[Any, bytes]:
    """Key object and SubjectPublicKeyInfo."""
    version, algorithm, octets = der.read(pkcs8, der.SEQUENCE).children()[:3]
    named = [field.outer for field in algorithm.children()]
    if named[1:] == [CURVE]:
        key = sm2.Sm2PrivateKey.load(pkcs8)
        return key, key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if named[0] != PSS_OID:
        plain = load_der_private_key(pkcs8, None)
        return plain, plain.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    # The library forgets that the key is for PSS alone.
    plain = load_der_private_key(der.write(der.SEQUENCE, version.outer, RSA_ALGORITHM, octets.outer), None)
    public = plain.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bits = der.members(der.read(public, der.SEQUENCE), der.SEQUENCE, der.BIT_STRING)[1]
    return plain, der.write(der.SEQUENCE, algorithm.outer, bits.outer)


def _written(key: Any, spki: bytes) -> bytes:
    if isinstance(key, sm2.Sm2PrivateKey):
        return key.to_pkcs8(Encoding.DER)
    made = bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    algorithm = der.read(spki, der.SEQUENCE).children()[0]
    if algorithm.children()[0].outer != PSS_OID:
        return made
    octets = der.read(made, der.SEQUENCE).children()[2]
    return der.write(der.SEQUENCE, _ZERO, algorithm.outer, octets.outer)


def _plain(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def _pss(bits: int) -> bytes:
    octets = der.read(_plain(rsa.generate_private_key(65537, bits)), der.SEQUENCE).children()[2]
    return der.write(der.SEQUENCE, _ZERO, _PSS, octets.outer)


MAKERS: dict[str, Callable[[], bytes]] = {
    "ecdsa-p256": lambda: _plain(ec.generate_private_key(ec.SECP256R1())),
    "ecdsa-p384": lambda: _plain(ec.generate_private_key(ec.SECP384R1())),
    "ed25519": lambda: _plain(ed25519.Ed25519PrivateKey.generate()),
    "sm2": lambda: sm2.generate().to_pkcs8(Encoding.DER),
    "rsa-2048": lambda: _plain(rsa.generate_private_key(65537, 2048)),
    "rsa-3072": lambda: _plain(rsa.generate_private_key(65537, 3072)),
    "rsa-4096": lambda: _plain(rsa.generate_private_key(65537, 4096)),
    "rsa-pss-2048": lambda: _pss(2048),
    "rsa-pss-3072": lambda: _pss(3072),
    "rsa-pss-4096": lambda: _pss(4096),
    "secp256k1": lambda: _plain(ec.generate_private_key(ec.SECP256K1())),
}
"""PrivateKeyInfo of a new key, by the name of its algorithm."""


def account_pkcs8(secret: bytes) -> bytes:
    """PrivateKeyInfo of the key of secp256k1 with this 32-byte secret.

    Raises:
        InputError: ``ACCOUNT_SECRET`` out of the range of the curve.
    """
    try:
        return _plain(ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256K1()))
    except ValueError:
        raise InputError("ACCOUNT_SECRET") from None

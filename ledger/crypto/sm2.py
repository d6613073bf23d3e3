"""Signatures by SM2 with SM3 (GB/T 32918.2, GB/T 32905) and their keys.

Everything a backend could get wrong in its own way is done here: the strict DER, the ranges of r and s, the
point on the curve, the digest of the signer's identifier. A backend must reproduce a published example before it
is used at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.crypto import pem
from ledger.crypto.digests import sm3
from ledger.crypto.sealed_keys import seal_key
from ledger.crypto.sm2_backends import Backend, GmsslBackend, LibcryptoBackend
from ledger.crypto.sm2_encoding import (
    A,
    B,
    G,
    N,
    read_private,
    read_spki,
    require_point,
    require_signature,
    spki_of,
    write_pkcs8,
)
from ledger.errors import ConfigError, InputError

IDENTIFIER = b"1234567812345678"
"""The signer's identifier where none was agreed (GM/T 0009 clause 10): every CA's certificates use it."""
MAX_IDENTIFIER = 8191  # bytes: its length in bits is written in two bytes
BACKENDS: tuple[Callable[[], Backend], ...] = (LibcryptoBackend, GmsslBackend)

# GB/T 32918.5 annex A.2: message, public key and signature
_EXAMPLE = b"message digest"
_EXAMPLE_KEY = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
_EXAMPLE_SIGNATURE = bytes.fromhex(
    "3046022100F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "022100B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


def verify(public: bytes, message: bytes, signature: bytes, identifier: bytes = IDENTIFIER) -> None:
    """Verify a DER ``signature`` over ``message`` by ``public`` (65 bytes, 04 ‖ x ‖ y).

    Raises:
        InputError: ``SM2_KEY`` no point of the curve; ``SM2_SIGNATURE`` another spelling, r or s out of range, or
            a signature that does not verify; ``SM2_IDENTIFIER``.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    require_signature(signature)
    digest = digest_of(public, message, identifier)
    if not backend().verify(public, digest, signature):
        raise InputError("SM2_SIGNATURE")


def sign(private: bytes, public: bytes, message: bytes, identifier: bytes = IDENTIFIER) -> bytes:
    """DER signature by ``private`` (32 bytes), whose point is ``public``.

    Raises:
        InputError: ``SM2_KEY``, ``SM2_IDENTIFIER``; ``SM2_PRIVATE_KEY`` for keys that do not belong together.
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    return Sm2PrivateKey(private, public).sign(message, identifier)


def generate() -> Sm2PrivateKey:
    """A new key.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    return Sm2PrivateKey(*backend().generate())


def available() -> str:
    """Name and version of the backend in use.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    return backend().name


def digest_of(public: bytes, message: bytes, identifier: bytes = IDENTIFIER) -> bytes:
    """e = SM3(Z ‖ message), 32 bytes (GB/T 32918.2 clause 6.1).

    Raises:
        InputError: ``SM2_KEY``, ``SM2_IDENTIFIER``.
    """
    return sm3(_z(public, identifier) + message)


@lru_cache(256)
def _z(public: bytes, identifier: bytes) -> bytes:
    """Z of GB/T 32918.2 clause 5.5: identifier, curve and key."""
    if len(identifier) > MAX_IDENTIFIER:
        raise InputError("SM2_IDENTIFIER", length=len(identifier), limit=MAX_IDENTIFIER)
    require_point(public)
    length = (8 * len(identifier)).to_bytes(2, "big")
    return sm3(length + identifier + A.to_bytes(32, "big") + B.to_bytes(32, "big") + G + public[1:])


class Sm2PublicKey:
    """A public key with the methods of ``cryptography``'s key objects that this project calls.

    Raises:
        InputError: ``SM2_KEY``.
    """

    __slots__ = ("point",)

    def __init__(self, point: bytes) -> None:
        require_point(point)
        self.point = point

    @classmethod
    def from_spki(cls, spki: bytes) -> Sm2PublicKey:
        """Of a SubjectPublicKeyInfo, DER.

        Raises:
            InputError: ``SM2_KEY``.
        """
        return cls(read_spki(spki))

    def verify(self, signature: bytes, message: bytes, identifier: bytes = IDENTIFIER) -> None:
        """As ``verify`` of this module."""
        verify(self.point, message, signature, identifier)

    def public_bytes(self, encoding: Encoding, format: PublicFormat) -> bytes:
        """SubjectPublicKeyInfo, DER or PEM.

        Raises:
            ValueError: for another encoding or format.
        """
        if format is not PublicFormat.SubjectPublicKeyInfo or encoding not in (Encoding.DER, Encoding.PEM):
            raise ValueError("only SubjectPublicKeyInfo as DER or PEM")
        spki = spki_of(self.point)
        return spki if encoding is Encoding.DER else pem.write("PUBLIC KEY", spki).encode()


class Sm2PrivateKey:
    """A private key, taken in by the backend once. Instances do not show it.

    Raises:
        InputError: ``SM2_KEY``; ``SM2_PRIVATE_KEY`` out of range, or not of this public key.
        ConfigError: ``SM2_UNAVAILABLE``.
    """

    __slots__ = ("_point", "_private", "_sign")

    def __init__(self, private: bytes, public: bytes) -> None:
        require_point(public)
        if len(private) != 32 or not 1 <= int.from_bytes(private, "big") <= N - 2:
            raise InputError("SM2_PRIVATE_KEY")
        self._private, self._point = private, public
        used = backend()
        self._sign = used.signer(private, public)
        if not used.verify(public, bytes(32), self._sign(bytes(32))):
            raise InputError("SM2_PRIVATE_KEY")

    def __repr__(self) -> str:
        return "Sm2PrivateKey(…)"

    @classmethod
    def load(cls, data: bytes, passphrase: bytes | None = None) -> Sm2PrivateKey:
        """Of a PKCS#8 or SEC 1 file, PEM or DER, that holds the public key, too.

        Raises:
            InputError: ``SM2_PRIVATE_KEY``, ``KEY_ENCRYPTION``, ``KEY_PASSPHRASE``.
            ConfigError: ``SM2_UNAVAILABLE``.
        """
        return cls(*read_private(data, passphrase))

    def sign(self, message: bytes, identifier: bytes = IDENTIFIER) -> bytes:
        """DER signature.

        Raises:
            InputError: ``SM2_IDENTIFIER``.
        """
        return self._sign(digest_of(self._point, message, identifier))

    def public_key(self) -> Sm2PublicKey:
        return Sm2PublicKey(self._point)

    def to_pkcs8(self, encoding: Encoding = Encoding.PEM, passphrase: bytes | None = None) -> bytes:
        """The private key, without a passphrase in plain: for a file that only its owner can read."""
        data, label = write_pkcs8(self._private, self._point), "PRIVATE KEY"
        if passphrase is not None:
            data, label = seal_key(data, passphrase), "ENCRYPTED PRIVATE KEY"
        return data if encoding is Encoding.DER else pem.write(label, data).encode()


@cache
def backend() -> Backend:
    """The first backend that passes its test, chosen once a process.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE``.
    """
    return first_of(BACKENDS)


def first_of(candidates: Sequence[Callable[[], Backend]]) -> Backend:
    """The first candidate that passes the known-answer test; one that does not is passed over.

    Raises:
        ConfigError: ``SM2_UNAVAILABLE`` if there is none.
    """
    for make in candidates:
        try:
            found = make()
            if _answers(found):
                return found
        except ConfigError:
            continue
    raise ConfigError("SM2_UNAVAILABLE")


def _answers(found: Backend) -> bool:
    """Verifies the published signature, refuses it over another message, and verifies one of its own."""
    digest, other = digest_of(_EXAMPLE_KEY, _EXAMPLE), digest_of(_EXAMPLE_KEY, _EXAMPLE + b".")
    private, public = found.generate()
    own = found.signer(private, public)(digest)
    return (
        found.verify(_EXAMPLE_KEY, digest, _EXAMPLE_SIGNATURE)
        and not found.verify(_EXAMPLE_KEY, other, _EXAMPLE_SIGNATURE)
        and found.verify(public, digest, own)
        and not found.verify(public, other, own)
    )

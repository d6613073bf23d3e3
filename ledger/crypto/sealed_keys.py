"""Private keys under a passphrase: PKCS#8 with PBES2 (RFC 8018 section 6.2). Written with PBKDF2 by HMAC-SHA-256 and
AES-256-CBC; read with any hash and cipher that OpenSSL is asked for, SM3 and SM4 (GM/T 0091) among them."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from ledger.crypto import der
from ledger.errors import InputError

ITERATIONS = 600_000
MAX_ITERATIONS = 2_000_000  # less than a second: a file must not be able to ask for hours
_MAX_SALT, _BLOCK = 64, 16
_PBES2 = der.write_oid("1.2.840.113549.1.5.13")
_PBKDF2 = der.write_oid("1.2.840.113549.1.5.12")
_HASHES: dict[bytes, Any] = {
    der.write_oid("1.2.840.113549.2.7"): hashes.SHA1,
    (_HMAC_SHA256 := der.write_oid("1.2.840.113549.2.9")): hashes.SHA256,
    der.write_oid("1.2.840.113549.2.10"): hashes.SHA384,
    der.write_oid("1.2.840.113549.2.11"): hashes.SHA512,
    der.write_oid("1.2.156.10197.1.401.2"): hashes.SM3,
}
_NULL = der.write(der.NULL)
_PRF = der.write(der.SEQUENCE, _HMAC_SHA256, _NULL)
_PRFS = {der.write(der.SEQUENCE, name, tail): made for name, made in _HASHES.items() for tail in (b"", _NULL)}
_CIPHERS: dict[bytes, tuple[Any, int]] = {
    der.write_oid("2.16.840.1.101.3.4.1.2"): (AES, 16),
    der.write_oid("2.16.840.1.101.3.4.1.22"): (AES, 24),
    (_AES_256 := der.write_oid("2.16.840.1.101.3.4.1.42")): (AES, 32),
    der.write_oid("1.2.156.10197.1.104.2"): (SM4, 16),
    der.write_oid("1.2.840.113549.3.7"): (TripleDES, 24),
}


def seal_key(pkcs8: bytes, passphrase: bytes) -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5958 section 3), DER, of a PrivateKeyInfo."""
    salt, vector = secrets.token_bytes(16), secrets.token_bytes(_BLOCK)
    rounds = der.write(der.INTEGER, ITERATIONS.to_bytes(3, "big"))
    derivation = der.write(
        der.SEQUENCE, _PBKDF2, der.write(der.SEQUENCE, der.write(der.OCTET_STRING, salt), rounds, _PRF)
    )
    cipher = der.write(der.SEQUENCE, _AES_256, der.write(der.OCTET_STRING, vector))
    scheme = der.write(der.SEQUENCE, _PBES2, der.write(der.SEQUENCE, derivation, cipher))
    padder = PKCS7(8 * _BLOCK).padder()
    padded = padder.update(pkcs8) + padder.finalize()
    key = PBKDF2HMAC(hashes.SHA256(), 32, salt, ITERATIONS).derive(passphrase)
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    return der.write(der.SEQUENCE, scheme, der.write(der.OCTET_STRING, sealed))


def open_key(data: bytes, passphrase: bytes) -> bytes:
    """The PrivateKeyInfo, DER, of an EncryptedPrivateKeyInfo.

    Raises:
        InputError: ``KEY_ENCRYPTION`` another scheme, or none; ``KEY_PASSPHRASE`` for a wrong passphrase.
    """
    try:
        scheme, sealed = der.members(der.read(data, der.SEQUENCE), der.SEQUENCE, der.OCTET_STRING)
    except InputError as error:
        raise InputError("KEY_ENCRYPTION") from error
    found = decrypt(scheme, sealed.content, passphrase)
    try:
        der.read(found, der.SEQUENCE)
    except InputError:
        raise InputError("KEY_PASSPHRASE") from None  # an offset in the plaintext is not told
    return found


def decrypt(scheme: der.Element, sealed: bytes, passphrase: bytes) -> bytes:
    """The plaintext of ``sealed`` under the AlgorithmIdentifier ``scheme``, which must be PBES2.

    Raises:
        InputError: ``KEY_ENCRYPTION`` another scheme, or one that asks for too much work; ``KEY_PASSPHRASE``.
    """
    try:
        hash_, salt, rounds, cipher, size, vector = _parameters(scheme)
    except InputError as error:
        raise InputError("KEY_ENCRYPTION") from error
    key = PBKDF2HMAC(hash_(), size, salt, rounds).derive(passphrase)
    return open_blocks(cipher(key), vector, sealed)


def iterations_of(scheme: der.Element) -> int:
    """Of the derivation that an AlgorithmIdentifier of PBES2 asks for.

    Raises:
        InputError: ``KEY_ENCRYPTION`` another scheme, or more iterations than ``MAX_ITERATIONS``.
    """
    try:
        return _parameters(scheme)[2]
    except InputError as error:
        raise InputError("KEY_ENCRYPTION") from error


def open_blocks(cipher: Any, vector: bytes, sealed: bytes) -> bytes:
    """CBC with the padding of PKCS#7, which tells a wrong passphrase nearly always.

    Raises:
        InputError: ``KEY_PASSPHRASE``.
    """
    decryptor, unpadder = Cipher(cipher, CBC(vector)).decryptor(), PKCS7(cipher.block_size).unpadder()
    try:
        return bytes(unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize())
    except ValueError:
        raise InputError("KEY_PASSPHRASE") from None  # what the padding was is not told


def _parameters(scheme: der.Element) -> tuple[Any, bytes, int, Any, int, bytes]:
    """Hash of the derivation, salt, iterations; cipher, bytes of its key, initial vector."""
    named, parameters = der.members(scheme, der.OID, der.SEQUENCE)
    derivation, encryption = der.members(parameters, der.SEQUENCE, der.SEQUENCE)
    function, details = der.members(derivation, der.OID, der.SEQUENCE)
    kind, vector = der.members(encryption, der.OID, der.OCTET_STRING)
    cipher, size = _CIPHERS.get(kind.outer, (None, 0))
    fields = der.read_all(details.content, 4)
    if [field.tag for field in fields[:2]] != [der.OCTET_STRING, der.INTEGER] or cipher is None:
        raise InputError("DER_SHAPE")
    salt, rounds, *rest = fields
    if rest and rest[0].outer == der.write(der.INTEGER, bytes([size])):
        del rest[0]  # the length of the key said once more
    hash_ = _PRFS.get(rest[0].outer) if rest else hashes.SHA1  # the default of RFC 8018
    count = int.from_bytes(rounds.content, "big", signed=True)
    if (
        (named.outer, function.outer) != (_PBES2, _PBKDF2)
        or hash_ is None
        or len(rest) > 1
        or not 1 <= count <= MAX_ITERATIONS
        or len(salt.content) > _MAX_SALT
        or len(vector.content) != cipher.block_size // 8
    ):
        raise InputError("DER_SHAPE")
    return hash_, salt.content, count, cipher, size, vector.content

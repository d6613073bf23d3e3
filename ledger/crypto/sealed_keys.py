"""Private keys under a passphrase: PKCS#8 with PBES2 (RFC 8018 section 6.2), for keys that ``cryptography`` cannot
load. PBKDF2 with HMAC-SHA-256 and AES-CBC, as OpenSSL writes them unless told otherwise."""

from __future__ import annotations

import secrets
from hashlib import pbkdf2_hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from ledger.crypto import der
from ledger.errors import InputError

ITERATIONS = 600_000
MAX_ITERATIONS = 10_000_000  # some seconds: a file must not be able to ask for hours
_MAX_SALT, _BLOCK = 64, 16
_PBES2 = der.write_oid("1.2.840.113549.1.5.13")
_PBKDF2 = der.write_oid("1.2.840.113549.1.5.12")
_PRF = der.write(der.SEQUENCE, der.write_oid("1.2.840.113549.2.9"), der.write(der.NULL))
_CIPHERS = {
    der.write_oid("2.16.840.1.101.3.4.1.2"): 16,
    der.write_oid("2.16.840.1.101.3.4.1.22"): 24,
    (_AES_256 := der.write_oid("2.16.840.1.101.3.4.1.42")): 32,
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
    encryptor = Cipher(AES(_derive(passphrase, salt, ITERATIONS, 32)), CBC(vector)).encryptor()
    sealed = encryptor.update(padded) + encryptor.finalize()
    return der.write(der.SEQUENCE, scheme, der.write(der.OCTET_STRING, sealed))


def open_key(data: bytes, passphrase: bytes) -> bytes:
    """The PrivateKeyInfo, DER, of an EncryptedPrivateKeyInfo.

    Raises:
        InputError: ``KEY_ENCRYPTION`` another scheme, or none; ``KEY_PASSPHRASE`` for a wrong passphrase.
    """
    try:
        salt, rounds, size, vector, sealed = _parameters(data)
    except (InputError, ValueError) as error:
        raise InputError("KEY_ENCRYPTION") from error
    decryptor = Cipher(AES(_derive(passphrase, salt, rounds, size)), CBC(vector)).decryptor()
    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        found = unpadder.update(decryptor.update(sealed) + decryptor.finalize()) + unpadder.finalize()
        der.read(found, der.SEQUENCE)
    except (InputError, ValueError):
        # neither the padding nor an offset is told: both are of the plaintext
        raise InputError("KEY_PASSPHRASE") from None
    return found


def _parameters(data: bytes) -> tuple[bytes, int, int, bytes, bytes]:
    """Salt, iterations, bytes of the key, initial vector, ciphertext."""
    scheme, sealed = der.members(der.read(data, der.SEQUENCE), der.SEQUENCE, der.OCTET_STRING)
    named, parameters = der.members(scheme, der.OID, der.SEQUENCE)
    derivation, cipher = der.members(parameters, der.SEQUENCE, der.SEQUENCE)
    function, details = der.members(derivation, der.OID, der.SEQUENCE)
    kind, vector = der.members(cipher, der.OID, der.OCTET_STRING)
    size = _CIPHERS.get(kind.outer, 0)
    salt, rounds, *rest = der.read_all(details.content, 4)
    # the length of the key may be said once more
    length = der.write(der.INTEGER, bytes([size]))
    count = int.from_bytes(rounds.content, "big", signed=True)
    if (
        (named.outer, function.outer) != (_PBES2, _PBKDF2)
        or not size
        or [element.outer for element in rest] not in ([_PRF], [length, _PRF])
        or (salt.tag, rounds.tag) != (der.OCTET_STRING, der.INTEGER)
        or not 1 <= count <= MAX_ITERATIONS
        or len(salt.content) > _MAX_SALT
        or len(vector.content) != _BLOCK
        or len(sealed.content) % _BLOCK
    ):
        raise InputError("DER_SHAPE")
    return salt.content, count, size, vector.content, sealed.content


def _derive(passphrase: bytes, salt: bytes, rounds: int, size: int) -> bytes:
    return pbkdf2_hmac("sha256", passphrase, salt, rounds, size)

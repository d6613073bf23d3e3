"""How PKCS#12 works with passwords (RFC 7292 appendices B and C), beside PBES2: the derivation of keys, the code over
the file, and the old ciphers that ``openssl pkcs12 -legacy`` and many a CA still write."""

from __future__ import annotations

import hmac
from typing import Any

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from ledger.crypto import der, sealed_keys
from ledger.errors import InputError

MAX_ITERATIONS = 600_000  # half a second: OpenSSL writes 2048, Java 10,000
MAX_SALT = 64
MAX_EFFORT = 1_200_000
"""Iterations of one file in all, counted as those of ``derive``, which take a microsecond: one may have many parts."""
_PBES2_EASE = 4  # its iterations run in the library, so many times as fast
KEY, VECTOR, MAC = 1, 2, 3
"""What a derived secret is for (appendix B.3)."""
_START = "1.2.840.113549.1.12.1."
_BLOCK = 8
_OLD = {
    der.write_oid(_START + "3"): ("3des", 24),
    der.write_oid(_START + "4"): ("3des", 16),
    der.write_oid(_START + "5"): ("rc2", 16),
    der.write_oid(_START + "6"): ("rc2", 5),
}
MAC_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
    "1.2.156.10197.1.401": hashes.SM3,
}
_BYTES_HASHED = {"sha1": 64, "sha256": 64, "sha384": 128, "sha512": 128, "sm3": 64}


class Effort:
    """What one file may still ask for. ``spend`` raises InputError ``KEY_ENCRYPTION`` before it is done."""

    def __init__(self) -> None:
        self._left = MAX_EFFORT

    def spend(self, iterations: int) -> None:
        self._left -= max(iterations, 0)
        if self._left < 0:
            raise InputError("KEY_ENCRYPTION")


def check_mac(
    content: bytes, hash_: Any, salt: bytes, rounds: int, expected: bytes, passphrase: bytes, effort: Effort
) -> None:
    """Is ``expected`` the code over ``content``?

    Raises:
        InputError: ``KEY_PASSPHRASE``: the passphrase is wrong, or the file was changed; ``KEY_ENCRYPTION``.
    """
    effort.spend(rounds)
    made = HMAC(derive(hash_, passphrase, salt, rounds, MAC, hash_.digest_size), hash_())
    made.update(content)
    if not hmac.compare_digest(made.finalize(), expected):
        raise InputError("KEY_PASSPHRASE")


def decrypt(scheme: bytes, sealed: bytes, passphrase: bytes, effort: Effort) -> bytes:
    """The plaintext of ``sealed`` under the AlgorithmIdentifier ``scheme`` (DER): PBES2, or an old one of PKCS#12.

    Raises:
        InputError: ``KEY_ENCRYPTION`` another scheme; ``KEY_PASSPHRASE``.
    """
    try:
        algorithm = der.read(scheme, der.SEQUENCE)
        named, parameters = der.members(algorithm, der.OID, der.SEQUENCE)
        if named.outer not in _OLD:
            effort.spend(sealed_keys.iterations_of(algorithm) // _PBES2_EASE)
            return sealed_keys.decrypt(algorithm, sealed, passphrase)
        salt, rounds = der.members(parameters, der.OCTET_STRING, der.INTEGER)
    except InputError as error:
        raise InputError("KEY_PASSPHRASE" if error.code == "KEY_PASSPHRASE" else "KEY_ENCRYPTION") from None
    cipher, size = _OLD[named.outer]
    count = int.from_bytes(rounds.content, "big", signed=True)
    effort.spend(count * (-(-size // hashes.SHA1.digest_size) + 1))
    key = derive(hashes.SHA1, passphrase, salt.content, count, KEY, size)
    vector = derive(hashes.SHA1, passphrase, salt.content, count, VECTOR, _BLOCK)
    if cipher == "rc2":
        return _open_rc2(key, vector, sealed)
    # two keys: the first is used again
    return sealed_keys.open_blocks(TripleDES((key + key)[:24]), vector, sealed)


def derive(hash_: Any, passphrase: bytes, salt: bytes, rounds: int, purpose: int, size: int) -> bytes:
    """``size`` bytes from a passphrase (UTF-8) and a salt (RFC 7292 appendix B.2).

    Raises:
        InputError: ``KEY_ENCRYPTION`` for too many iterations or too long a salt; ``KEY_PASSPHRASE`` if the
            passphrase is no text.
    """
    if not 1 <= rounds <= MAX_ITERATIONS or not 1 <= len(salt) <= MAX_SALT:
        raise InputError("KEY_ENCRYPTION")
    try:
        words = passphrase.decode().encode("utf-16-be") + b"\0\0"
    except UnicodeDecodeError:
        raise InputError("KEY_PASSPHRASE") from None
    block = _BYTES_HASHED[hash_.name]
    mixed = _filled(salt, block) + _filled(words, block)
    found = b""
    while True:
        part = bytes([purpose]) * block + mixed
        for _ in range(rounds):
            made = hashes.Hash(hash_())
            made.update(part)
            part = made.finalize()
        found += part
        if len(found) >= size:
            return found[:size]
        added = int.from_bytes(_filled(part, block)[:block], "big") + 1
        mixed = b"".join(
            ((int.from_bytes(mixed[at : at + block], "big") + added) % (1 << 8 * block)).to_bytes(block, "big")
            for at in range(0, len(mixed), block)
        )


def _filled(text: bytes, block: int) -> bytes:
    """``text`` again and again until whole blocks are full."""
    length = -(-len(text) // block) * block
    return (text * (length // len(text) + 1))[:length]


def _open_rc2(key: bytes, vector: bytes, sealed: bytes) -> bytes:
    from Crypto.Cipher import ARC2  # a library for this alone

    unpadder = PKCS7(8 * _BLOCK).unpadder()
    try:
        make: Any = ARC2.new  # whose hints leave out the effective length
        plain = make(key, ARC2.MODE_CBC, vector, effective_keylen=8 * len(key)).decrypt(sealed)
        return bytes(unpadder.update(plain) + unpadder.finalize())
    except ValueError:
        raise InputError("KEY_PASSPHRASE") from None

"""Envelopes for data that others hand over: AES-256-GCM (NIST SP 800-38D) and SM4-GCM (GB/T 32907, RFC 8998).

    envelope = nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes)

The nonce is random, so one key is for at most 2^32 envelopes (SP 800-38D section 8.3). Bodies of records have a
key each and are sealed without: ``envelope``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES256, SM4

from ledger.errors import InputError

NONCE_BYTES, TAG_BYTES = 12, 16
OVERHEAD = NONCE_BYTES + TAG_BYTES
MAX_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Encryption:
    """``key_bytes``: the only length of a key."""

    key_bytes: int
    cipher: Callable[[bytes], BlockCipherAlgorithm]


ENCRYPTIONS = {"aes-256-gcm": Encryption(32, AES256), "sm4-gcm": Encryption(16, SM4)}


def encrypt(algorithm: str, key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """An envelope of ``len(plaintext) + OVERHEAD`` bytes; ``associated`` must be said again to open it.

    Raises:
        InputError: ``ENVELOPE_ALGORITHM``, ``ENVELOPE_KEY``, ``ENVELOPE_SIZE`` above ``MAX_BYTES``.
    """
    if len(plaintext) > MAX_BYTES:
        raise InputError("ENVELOPE_SIZE", length=len(plaintext), limit=MAX_BYTES)
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + encrypt_with_nonce(algorithm, key, nonce, plaintext, associated)


def encrypt_with_nonce(algorithm: str, key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Ciphertext ‖ tag. A nonce used twice under one key gives both plaintexts away: ``encrypt`` draws it.

    Raises:
        InputError: ``ENVELOPE_ALGORITHM``, ``ENVELOPE_KEY``.
    """
    encryptor = Cipher(_cipher(algorithm, key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plaintext) + encryptor.finalize() + encryptor.tag


def decrypt(algorithm: str, key: bytes, envelope: bytes, associated: bytes) -> bytes:
    """The plaintext; none of it is given out before the tag holds.

    Raises:
        InputError: ``ENVELOPE_ALGORITHM``, ``ENVELOPE_KEY``; ``ENVELOPE_DAMAGED`` for changed bytes, other
            associated data or another key; ``ENVELOPE_SIZE``.
    """
    if len(envelope) > MAX_BYTES + OVERHEAD:
        raise InputError("ENVELOPE_SIZE", length=len(envelope), limit=MAX_BYTES + OVERHEAD)
    cipher = _cipher(algorithm, key)
    if len(envelope) < OVERHEAD:
        raise InputError("ENVELOPE_DAMAGED", length=len(envelope))
    nonce, tag = envelope[:NONCE_BYTES], envelope[-TAG_BYTES:]
    decryptor = Cipher(cipher, modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(associated)
    plaintext = decryptor.update(envelope[NONCE_BYTES:-TAG_BYTES])
    try:
        return plaintext + decryptor.finalize()
    except InvalidTag as error:
        raise InputError("ENVELOPE_DAMAGED", length=len(envelope)) from error


def _cipher(algorithm: str, key: bytes) -> BlockCipherAlgorithm:
    if algorithm not in ENCRYPTIONS:
        raise InputError("ENVELOPE_ALGORITHM", algorithm=algorithm[:32])
    encryption = ENCRYPTIONS[algorithm]
    if len(key) != encryption.key_bytes:
        raise InputError("ENVELOPE_KEY", algorithm=algorithm, length=len(key))
    return encryption.cipher(key)

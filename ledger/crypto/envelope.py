"""Encryption of a record's body: AES-256-GCM (NIST SP 800-38D) under the body key of that record.

A body key is derived from a record key and encrypts one plaintext in its life, so a fixed nonce is safe; a
random one would be 12 more bytes and nothing gained. The leaf is authenticated with the body: bodies cannot
be exchanged. Bodies of the suites with SM3 are SM4-GCM (GB/T 32907) under a key of 16 bytes, with a tag of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.crypto import envelopes
from ledger.errors import InputError

TAG = b"zhengyin/body/1"
SM4_TAG = b"zhengyin/body/2"
KEY_BYTES = 32
OVERHEAD = 16  # bytes a body grows by: the authentication tag
_NONCE = bytes(12)


def encrypt_body(body_key: bytes, leaf: bytes, plaintext: bytes) -> bytes:
    """Ciphertext of ``len(plaintext) + OVERHEAD`` bytes. ``body_key``: 32 bytes, never used for another body.

    Raises:
        InputError: ``BODY_KEY`` for a key that is not 32 bytes (16 would silently be AES-128).
    """
    return encrypt_bodies([body_key], [leaf], [plaintext])[0]


def encrypt_bodies(body_keys: Sequence[bytes], leaves: Sequence[bytes], plaintexts: Sequence[bytes]) -> list[bytes]:
    """``encrypt_body`` for each body.

    Raises:
        InputError: ``BODY_KEY``.
    """
    for body_key in body_keys:
        if len(body_key) != KEY_BYTES:
            raise InputError("BODY_KEY", length=len(body_key))
    return [
        AESGCM(body_key).encrypt(_NONCE, plaintext, TAG + leaf)
        for body_key, leaf, plaintext in zip(body_keys, leaves, plaintexts, strict=True)
    ]


def decrypt_body(body_key: bytes, leaf: bytes, ciphertext: bytes) -> bytes:
    """The plaintext.

    Raises:
        InputError: ``BODY_KEY``; ``BODY_DAMAGED`` for changed bytes, another key or another record's body.
    """
    if len(body_key) != KEY_BYTES:
        raise InputError("BODY_KEY", length=len(body_key))
    try:
        return AESGCM(body_key).decrypt(_NONCE, ciphertext, TAG + leaf)
    except (InvalidTag, ValueError) as error:
        raise InputError("BODY_DAMAGED", length=len(ciphertext)) from error


def encrypt_sm4_bodies(body_keys: Sequence[bytes], leaves: Sequence[bytes], plaintexts: Sequence[bytes]) -> list[bytes]:
    """``encrypt_bodies`` by SM4-GCM. ``body_keys``: 16 bytes each, never used for another body.

    Raises:
        InputError: ``ENVELOPE_KEY``.
    """
    return [
        envelopes.encrypt_with_nonce("sm4-gcm", body_key, _NONCE, plaintext, SM4_TAG + leaf)
        for body_key, leaf, plaintext in zip(body_keys, leaves, plaintexts, strict=True)
    ]


def decrypt_sm4_body(body_key: bytes, leaf: bytes, ciphertext: bytes) -> bytes:
    """The plaintext of a body by SM4-GCM.

    Raises:
        InputError: ``ENVELOPE_KEY``; ``BODY_DAMAGED`` for changed bytes, another key or another record's body.
    """
    try:
        return envelopes.decrypt("sm4-gcm", body_key, _NONCE + ciphertext, SM4_TAG + leaf)
    except InputError as error:
        if error.code == "ENVELOPE_KEY":
            raise
        raise InputError("BODY_DAMAGED", length=len(ciphertext)) from error

"""A record's body: the record with the values of its claims, as it is encrypted and kept.

Frame: length of the record's bytes (4 bytes, big-endian) ‖ record ‖ canonical values. The record's bytes are kept
as they were hashed, so nothing is ever re-serialised to be proved again. A body is encrypted by AES-256-GCM, in the
suites with SM3 by SM4-GCM; its reader has leaf and key, and it opens by the one that authenticates it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.core import canonical, merkle
from ledger.core.keys import RecordKey, body_keys
from ledger.core.records import Record
from ledger.core.registries import Suite
from ledger.crypto.envelope import decrypt_body, decrypt_sm4_body, encrypt_bodies, encrypt_sm4_bodies
from ledger.errors import InputError, IntegrityError


def encrypt(key: RecordKey, leaf: bytes, record: bytes, content: bytes) -> bytes:
    """``encrypt_all`` for one record."""
    return encrypt_all([key], [leaf], [record], [content])[0]


def encrypt_all(
    keys: Sequence[RecordKey],
    leaves: Sequence[bytes],
    records: Sequence[bytes],
    contents: Sequence[bytes],
    suite: Suite = Suite.INTL,
) -> list[bytes]:
    """``records`` and ``contents``: canonical bytes of the records and of their claims' values."""
    plain = [
        len(record).to_bytes(4, "big") + record + content for record, content in zip(records, contents, strict=True)
    ]
    if suite.has_sm3:
        return encrypt_sm4_bodies([key.sm4_body_key() for key in keys], leaves, plain)
    return encrypt_bodies(body_keys(keys), leaves, plain)


def open_body(key: RecordKey, leaf: bytes, body: bytes) -> bytes:
    """The frame that ``encrypt_all`` closed.

    Raises:
        InputError: BODY_DAMAGED.
    """
    try:
        return decrypt_body(key.body_key(), leaf, body)
    except InputError:
        return decrypt_sm4_body(key.sm4_body_key(), leaf, body)


def decrypt(secret: bytes, leaf: bytes, body: bytes) -> tuple[Record, dict[str, Any]]:
    """The record and the values of its claims.

    Raises:
        InputError: BODY_DAMAGED. IntegrityError: BODY_OF_OTHER_LEAF, when the body is not what the leaf commits to.
    """
    plain = open_body(RecordKey(secret), leaf, body)
    end = 4 + int.from_bytes(plain[:4], "big")
    if merkle.leaf_hash(plain[4:end]) != leaf:
        raise IntegrityError("BODY_OF_OTHER_LEAF", leaf=leaf.hex())
    return Record.from_bytes(plain[4:end]), canonical.decode(plain[end:])

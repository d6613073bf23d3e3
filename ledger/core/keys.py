"""What is derived from the 32-byte key of a record: its salts, the key of its encrypted body, its verification code.

All salts are one SHAKE256 output (FIPS 202 section 6.3) over the key and the names of the claims; the body key, which
must be there before the names can be read, is one SHA-256. The key is uniformly random and always 32 bytes, so it
stands in front of a fixed tag and no input is the beginning of another. One key is thus all there is to keep, or to
erase. In the suites with SM3 salts and body key are HMAC-SM3 under the same key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from hashlib import sha256, shake_256
from typing import NoReturn

from ledger.core import canonical
from ledger.core.hashing import hmac_sm3, sha256_each
from ledger.core.registries import Suite
from ledger.errors import InputError

KEY_BYTES = 32
SALT_BYTES = 32
SALTS_TAG = b"zhengyin/salts/1"
BODY_TAG = b"zhengyin/body/1"
CODE_TAG = b"zhengyin/code/1"
CODE_BYTES = 10
SM3_SALT_TAG = b"zhengyin/salt/2"
SM3_BODY_TAG = b"zhengyin/body/2"
SM4_KEY_BYTES = 16


def salts_label(names: Collection[str]) -> bytes:
    """What the salts of a record with the claims ``names`` are derived from, beside its key: the same for every
    record of a type.

    Raises:
        InputError: ``CANONICAL_…`` for names too long for any record.
    """
    return SALTS_TAG + canonical.encode(sorted(names))


class RecordKey:
    """The key of one record. Instances neither show, compare nor serialise themselves.

    Raises:
        InputError: ``KEY_LENGTH`` if ``secret`` is not 32 bytes.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise InputError("KEY_LENGTH", length=len(secret), expected=KEY_BYTES)
        self._secret = secret

    def __repr__(self) -> str:
        return "RecordKey(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a record key is not pickled")

    def salts(self, names: Collection[str], suite: Suite = Suite.INTL) -> tuple[bytes, dict[str, bytes]]:
        """Salt of the record (without it a record of guessable content had a guessable leaf), and one for each of
        ``names``, ascending."""
        if suite.has_sm3:
            (stream,) = sm3_salt_streams([self], sorted(names))
        else:
            (stream,) = salt_streams([self], salts_label(names), len(names))
        first, *others = (stream[at : at + SALT_BYTES] for at in range(0, len(stream), SALT_BYTES))
        return first, dict(zip(sorted(names), others, strict=True))

    def body_key(self) -> bytes:
        """Key under which the record's body is encrypted."""
        return body_keys([self])[0]

    def sm4_body_key(self) -> bytes:
        """Key under which the record's body is encrypted in the suites with SM3, 16 bytes."""
        return hmac_sm3(self._secret)(SM3_BODY_TAG)[:SM4_KEY_BYTES]

    def verification_code(self) -> bytes:
        """The 10 bytes of the code that is printed beside the record's number (``core.verification_code``)."""
        return sha256(self._secret + CODE_TAG).digest()[:CODE_BYTES]


def body_keys(keys: Iterable[RecordKey]) -> list[bytes]:
    """``RecordKey.body_key`` of each."""
    return sha256_each([key._secret + BODY_TAG for key in keys])


def salt_streams(keys: Iterable[RecordKey], label: bytes, claims: int) -> list[bytes]:
    """Of each key the salts of its record and of the record's ``claims``, as ``RecordKey.salts`` gives them, in one
    piece; ``label``: of ``salts_label``."""
    size = SALT_BYTES * (1 + claims)
    return [shake_256(key._secret + label).digest(size) for key in keys]


def sm3_salt_streams(keys: Iterable[RecordKey], names: Iterable[str]) -> list[bytes]:
    """As ``salt_streams`` in the suites with SM3: HMAC-SM3 over nothing for the record, and over each of the ``names``
    (ascending), which are never empty."""
    messages = [b"", *(name.encode() for name in names)]
    return [b"".join(map(hmac_sm3(key._secret, SM3_SALT_TAG), messages)) for key in keys]

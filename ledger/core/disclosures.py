"""Claims and their disclosure: a record holds digests, its holder shows the values he chooses.

The digest of a claim is SHA-256(0x10 ‖ canonical [salt, name, value]): salt 32 bytes as base64url, name
the field of the record's type, value a string, integer, boolean, null or an array of these. One name has
one digest; there are no decoys and no nesting, so nothing can be shown in two ways. Salts are derived
from the record key, one a name (``ledger.core.keys``).
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from ledger.core import shapes
from ledger.core.canonical import b64, encode
from ledger.core.keys import RecordKey
from ledger.errors import InputError

SALT_BYTES = 32
PREFIX = b"\x10"

_SCALARS = frozenset({str, int, bool, type(None)})
_HASH_TEXT = 43  # base64url characters of 32 bytes
_TEXT_STEP = 44  # of 33 bytes: with one zero byte behind each hash, all of them encode in one call
_OPENING = PREFIX + b'["'
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One claim made visible: its name, its value and the salt (32 bytes) that opens its digest."""

    name: str
    value: Any
    salt: bytes

    def digest(self) -> bytes:
        """What the record must hold under ``name``, 32 bytes."""
        _require_claims({self.name: self.value})
        return _digest(b64(self.salt).encode(), self.name, orjson.dumps(self.value))

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "value": self.value, "salt": b64(self.salt)}

    @classmethod
    def from_json(cls, value: object, path: str = "$") -> Disclosure:
        """Strict reading of ``{"name", "value", "salt"}``.

        Raises:
            InputError: ``SHAPE_…``, ``CANONICAL_…`` or ``DISCLOSURE_VALUE`` with the path.
        """
        name, content, salt = shapes.members(value, path, "name", "value", "salt")
        found = cls(shapes.text(name, f"{path}.name", high=32), content, shapes.digest(salt, f"{path}.salt"))
        _require_claims({found.name: content})
        return found


def make_claims(key: RecordKey, values: Mapping[str, Any]) -> dict[str, str]:
    """Digest of every field as base64url: what goes into the record. An absent value is a claimed null.

    Raises:
        InputError: ``CANONICAL_…`` for names or values outside the grammar, ``DISCLOSURE_VALUE`` for nesting.
    """
    _require_claims(values)
    salts = _texts([key.claim_salt(name) for name in values])
    contents = map(orjson.dumps, values.values())  # guarded above as a whole, and no value is an object
    digests = _texts(
        [_digest(salt, name, value) for salt, name, value in zip(salts, values, contents, strict=True)]
    )
    return {name: digest.decode() for name, digest in zip(values, digests, strict=True)}


def disclose(key: RecordKey, values: Mapping[str, Any], names: Iterable[str]) -> tuple[Disclosure, ...]:
    """Disclosures of the claims ``names``, sorted by name, each once.

    Raises:
        InputError: ``DISCLOSURE_UNKNOWN`` for a name the record does not have.
    """
    chosen = sorted(set(names))
    for name in chosen:
        if name not in values:
            raise InputError("DISCLOSURE_UNKNOWN", name=name)
    _require_claims(values)
    return tuple(Disclosure(name, values[name], key.claim_salt(name)) for name in chosen)


def _require_claims(values: Mapping[str, Any]) -> None:
    """Names and values together are one flat canonical object; arrays hold scalars only."""
    encode(dict(values))
    if _SCALARS.issuperset(map(type, values.values())):
        return
    for name, value in values.items():
        items = value if type(value) is list else (value,)
        if not _SCALARS.issuperset(map(type, items)):
            raise InputError("DISCLOSURE_VALUE", name=name)


def _digest(salt: bytes, name: str, value: bytes) -> bytes:
    """The one road to a claim's digest: ``salt`` as base64url text, ``value`` as canonical bytes."""
    return sha256(_OPENING + salt + _name_text(name) + value + b"]").digest()


@lru_cache(4096)
def _name_text(name: str) -> bytes:
    return b'","%b",' % name.encode()


def _texts(hashes: list[bytes]) -> list[bytes]:
    """base64url of many 32-byte values at once."""
    joined = b"\0".join([*hashes, b""])
    text = binascii.b2a_base64(joined, newline=False).translate(_URL_SAFE)
    return [text[at : at + _HASH_TEXT] for at in range(0, len(text), _TEXT_STEP)]

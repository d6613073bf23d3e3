"""Claims and their disclosure: a record holds digests, its holder shows the values he chooses.

The digest of a claim is SHA-256(0x10 ‖ canonical [salt, name, value]): salt 32 bytes as base64url, name
the field of the record's type, value a string, integer, boolean, null or an array of these. One name has
one digest; there are no decoys and no nesting, so nothing can be shown in two ways. Salts are derived
from the record key, one a name (``ledger.core.keys``).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from ledger.core import shapes
from ledger.core.canonical import b64, encode
from ledger.core.keys import RecordKey, claim_label
from ledger.errors import InputError

SALT_BYTES = 32
PREFIX = b"\x10"

_SCALARS = frozenset({str, int, bool, type(None)})
_TEXT = "43sx"  # base64url of 32 bytes; with one zero byte behind each hash all of them are encoded in one call
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
        return _digest(b64(self.salt).encode(), _name_text(self.name), orjson.dumps(self.value))

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
    return claims_and_content(key, values)[0]


def claims_and_content(key: RecordKey, values: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
    """``make_claims``, and the canonical bytes of ``values``: both stand on one pass of the guard.

    Raises:
        InputError: as ``make_claims``.
    """
    content = _require_claims(values)
    labels, texts = _name_forms(tuple(values))
    contents = map(orjson.dumps, values.values())  # guarded above as a whole, and no value is an object
    digests = _texts(list(map(_digest, _texts(key.claim_salts(labels)), texts, contents)))
    return dict(zip(values, map(bytes.decode, digests), strict=True)), content


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


def _require_claims(values: Mapping[str, Any]) -> bytes:
    """Names and values together are one flat canonical object, whose bytes are returned; arrays hold scalars only."""
    content = encode(values if type(values) is dict else dict(values))
    if content.rfind(b"{") == 0 and b"[" not in content:  # nothing in it opens a second object or an array
        return content
    for name, value in values.items():
        items = value if type(value) is list else (value,)
        if not _SCALARS.issuperset(map(type, items)):
            raise InputError("DISCLOSURE_VALUE", name=name)
    return content


def _digest(salt: bytes, name: bytes, value: bytes) -> bytes:
    """The one road to a claim's digest: ``salt`` as base64url text, ``name`` as ``_name_text``, ``value`` as
    canonical bytes."""
    return sha256(_OPENING + salt + name + value + b"]").digest()


def _name_text(name: str) -> bytes:
    return b'","%b",' % name.encode()


@lru_cache(256)
def _name_forms(names: tuple[str, ...]) -> tuple[list[bytes], list[bytes]]:
    """What a type's names look like below a salt and inside a digest; records of one type share them."""
    return [claim_label(name) for name in names], [_name_text(name) for name in names]


def _texts(hashes: list[bytes]) -> tuple[bytes, ...]:
    """base64url of many 32-byte values at once."""
    joined = b"\0".join([*hashes, b""])
    text = binascii.b2a_base64(joined, newline=False).translate(_URL_SAFE)
    return struct.unpack(_TEXT * len(hashes), text)

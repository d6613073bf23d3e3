"""Claims and their disclosure: a record holds digests, its holder shows the values he chooses.

The digest of a claim is SHA-256(0x10 ‖ canonical [salt, name, value]): salt 32 bytes as base64url, name
the field of the record's type, value a string, integer, boolean, null or an array of these. One name has
one digest; there are no decoys and no nesting, so nothing can be shown in two ways. Salts are derived
from the record key and all names (``ledger.core.keys``).
"""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from ledger.core import shapes
from ledger.core.canonical import URL_SAFE, b64, encode
from ledger.core.keys import SALT_BYTES, RecordKey, salts_label
from ledger.errors import InputError

PREFIX = b"\x10"

_SCALARS = frozenset({str, int, bool, type(None)})
_LENGTH = 43  # of 32 bytes in base64url; with one zero byte behind each hash all of them are encoded in one call


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One claim made visible: its name, its value and the salt (32 bytes) that opens its digest."""

    name: str
    value: Any
    salt: bytes

    def digest(self) -> bytes:
        """What the record must hold under ``name``, 32 bytes."""
        _require_claims({self.name: self.value})
        return _digests(_forms((self.name,)), [b64(self.salt).encode()], [self.value])[0]

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


class Claimed(NamedTuple):
    """What a record takes from its values. ``salt``: of the record, as base64url; ``claims``: name → base64url of the
    digest, ascending; ``content``: canonical bytes of the values."""

    salt: str
    claims: dict[str, str]
    content: bytes


_make_claimed = Claimed._make


def make_claims(key: RecordKey, values: Mapping[str, Any]) -> dict[str, str]:
    """Digest of every field as base64url: what goes into the record. An absent value is a claimed null.

    Raises:
        InputError: ``CANONICAL_…`` for names or values outside the grammar, ``DISCLOSURE_VALUE`` for nesting.
    """
    return claim(key, values).claims


def claim(key: RecordKey, values: Mapping[str, Any]) -> Claimed:
    """``make_claims`` with all that comes out of the same pass.

    Raises:
        InputError: as ``make_claims``.
    """
    content = _require_claims(values)
    forms = _forms(tuple(values))
    names = forms.names
    salt, *salts = forms.unpack(_encoded(forms.split(key.stream(forms.label, len(names)))))
    digests = _digests(forms, salts, [values[name] for name in names])
    texts = forms.texts(_encoded(digests).decode())
    return _make_claimed((salt.decode(), dict(zip(names, texts)), content))  # noqa: B905


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
    _, salts = key.salts(values.keys())
    return tuple(Disclosure(name, values[name], salts[name]) for name in chosen)


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


class _Forms(NamedTuple):
    """What the claims of one type's records share: ``names`` ascending; ``frame``: five parts a claim, of which the
    second and fourth are the salt and the value; ``split``: a stream of salts into its pieces; ``unpack`` and
    ``texts``: what ``_encoded`` gives for the salts and for the digests into its pieces."""

    names: tuple[str, ...]
    label: bytes
    frame: list[bytes]
    split: Callable[[bytes], tuple[bytes, ...]]
    unpack: Callable[[bytes], tuple[bytes, ...]]
    texts: Callable[[str], tuple[str, ...]]


@lru_cache(256)
def _forms(names: tuple[str, ...]) -> _Forms:
    ascending = tuple(sorted(names))
    frame: list[bytes] = []
    for name in ascending:
        frame += [PREFIX + b'["', b"", b'","%b",' % name.encode(), b"", b"]\n"]
    pieces = struct.Struct(f"{SALT_BYTES}s" * (1 + len(names)))
    encoded = struct.Struct(f"{_LENGTH}sx" * (1 + len(names)))
    slices = [slice(at, at + _LENGTH) for at in range(0, (_LENGTH + 1) * len(names), _LENGTH + 1)]
    # a second slice, unused, so that one claim gives a tuple too, and none an empty text
    texts = itemgetter(*slices, slice(0))
    return _Forms(ascending, salts_label(ascending), frame, pieces.unpack, encoded.unpack, texts)


def _digests(forms: _Forms, salts: Sequence[bytes], values: list[Any]) -> list[bytes]:
    """The one road to the digests of claims, in the order of ``forms.names``: ``salts`` as base64url; names and values
    were guarded as a whole and no value is an object, so no line below holds an end of line of its own."""
    parts = forms.frame.copy()
    parts[1::5] = salts
    parts[3::5] = _each(values)
    return [sha256(line).digest() for line in b"".join(parts).splitlines()]


def _each(values: list[Any]) -> Iterable[bytes]:
    """JSON of each value. Indented, the values of a flat list stand on lines of their own, and no text holds an end of
    line: they are written by one call."""
    lines = orjson.dumps(values, None, orjson.OPT_INDENT_2)
    if not values or lines.rfind(b"["):  # a value may be an array, of several lines
        return map(orjson.dumps, values)
    return lines[4:-2].split(b",\n  ")


def _encoded(hashes: Sequence[bytes]) -> bytes:
    """base64url of many 32-byte values at once, ``_LENGTH`` characters each and one more behind it."""
    joined = b"\0".join([*hashes, b""])
    return binascii.b2a_base64(joined, newline=False).translate(URL_SAFE)

"""Claims and their disclosure: a record holds digests, its holder shows the values he chooses.

The digest of a claim is SHA-256(0x10 ‖ canonical [salt, name, value]): salt 32 bytes as base64url, name
the field of the record's type, value a string, integer, boolean, null or an array of these. One name has
one digest; there are no decoys and no nesting, so nothing can be shown in two ways. Salts are derived
from the record key and all names (``ledger.core.keys``).

That is suite ``intl``. In ``gm`` the digest is by SM3, in ``dual`` a claim holds both, and each must open.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import orjson
import pybase64

from ledger.core import frames, shapes
from ledger.core.canonical import RECORD_LIMITS, b64, encode, encode_scalars
from ledger.core.frames import Frame
from ledger.core.hashing import SHA256_HASH, SM3_HASH, TreeHash
from ledger.core.keys import SALT_BYTES, RecordKey, salt_streams, salts_label, sm3_salt_streams
from ledger.core.registries import Suite
from ledger.errors import InputError

PREFIX = b"\x10"
Claim = str | list[str]
"""What a record holds under a name: a digest in base64url, in suite ``dual`` two."""

CLAIM_HASHES: dict[Suite, tuple[TreeHash, ...]] = {
    Suite.INTL: (SHA256_HASH,),
    Suite.GM: (SM3_HASH,),
    Suite.DUAL: (SHA256_HASH, SM3_HASH),
}
"""The digests of a claim, in their order."""

_SCALARS = frozenset({str, int, bool, type(None)})
_LENGTH = 43  # of 32 bytes in base64url


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One claim made visible: its name, its value and the salt (32 bytes) that opens its digest."""

    name: str
    value: Any
    salt: bytes

    def digest(self, by: TreeHash = SHA256_HASH) -> bytes:
        """32 bytes."""
        _require_claims({self.name: self.value})
        return by.one(PREFIX + encode([b64(self.salt), self.name, self.value]))

    def claim(self, suite: Suite) -> Claim:
        """What a record of the suite must hold under ``name``."""
        digests = [b64(self.digest(by)) for by in CLAIM_HASHES[suite]]
        return digests if suite is Suite.DUAL else digests[0]

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
    """What a record takes from its values. ``salt``: of the record, as base64url; ``claims``: ascending by name;
    ``content``: canonical bytes of the values."""

    salt: str
    claims: dict[str, Claim]
    content: bytes


class Columns(NamedTuple):
    """``Claimed`` of many records, by columns. ``names``: of the claims, ascending; ``digests``: for each name, and for
    each of its digests, that of every record; salts and digests as base64url."""

    names: tuple[str, ...]
    salts: Sequence[bytes]
    digests: Sequence[Sequence[bytes]]
    contents: Sequence[bytes]


def make_claims(key: RecordKey, values: Mapping[str, Any], suite: Suite = Suite.INTL) -> dict[str, Claim]:
    """Claim of every field: what goes into the record. An absent value is a claimed null.

    Raises:
        InputError: ``CANONICAL_…`` for names or values outside the grammar, ``DISCLOSURE_VALUE`` for nesting.
    """
    return claim(key, values, suite).claims


def claim(key: RecordKey, values: Mapping[str, Any], suite: Suite = Suite.INTL) -> Claimed:
    """``make_claims`` with all that comes out of the same pass.

    Raises:
        InputError: as ``make_claims``.
    """
    names, salts, digests, contents = claim_all([key], [values], suite)
    texts = [digest.decode() for (digest,) in digests]
    claims: dict[str, Claim] = dict(zip(names, texts, strict=False))
    if suite is Suite.DUAL:
        claims = {name: texts[2 * at : 2 * at + 2] for at, name in enumerate(names)}
    return Claimed(salts[0].decode(), claims, contents[0])


def claim_all(keys: Sequence[RecordKey], rows: Sequence[Mapping[str, Any]], suite: Suite = Suite.INTL) -> Columns:
    """``claim`` for many records at once, at least one, whose values have the same names: a tenth of the calls.

    Raises:
        InputError: as ``make_claims``.
        ValueError: rows of different names, or not as many as keys.
    """
    forms = _forms(tuple(rows[0]))
    names, count = forms.names, len(rows)
    if set(map(len, rows)) != {len(names)} or len(keys) != count:
        raise ValueError("claims of different names together")
    values = list(chain.from_iterable(map(forms.pick, rows)))
    texts = encode_scalars(values)
    if texts is None:
        for row in rows:
            _require_claims(row)
        texts = list(map(orjson.dumps, values))
    width = len(names)
    shown = [texts[at::width] for at in range(width)]
    streams = sm3_salt_streams(keys, names) if suite.has_sm3 else salt_streams(keys, forms.label, width)
    salts = _columns(chain.from_iterable(map(forms.split, streams)), 1 + width)
    contents = forms.content.fill(count, shown)
    if max(map(len, contents)) > RECORD_LIMITS.size:
        raise InputError("CANONICAL_SIZE", size=max(map(len, contents)), limit=RECORD_LIMITS.size)
    pairs = [column for pair in zip(salts[1:], shown, strict=True) for column in pair]
    lines = forms.lines.fill(count, pairs)
    hashes = [hashed.each(lines) for hashed in CLAIM_HASHES[suite]]
    together = hashes[0] if len(hashes) == 1 else chain.from_iterable(zip(*hashes, strict=True))
    return Columns(names, salts[0], _columns(together, width * len(hashes)), contents)


def disclose(
    key: RecordKey, values: Mapping[str, Any], names: Iterable[str], suite: Suite = Suite.INTL
) -> tuple[Disclosure, ...]:
    """Disclosures of the claims ``names``, sorted by name, each once.

    Raises:
        InputError: ``DISCLOSURE_UNKNOWN`` for a name the record does not have.
    """
    chosen = sorted(set(names))
    for name in chosen:
        if name not in values:
            raise InputError("DISCLOSURE_UNKNOWN", name=name)
    _require_claims(values)
    _, salts = key.salts(values.keys(), suite)
    return tuple(Disclosure(name, values[name], salts[name]) for name in chosen)


def _require_claims(values: Mapping[str, Any]) -> None:
    """Names and values together are one flat canonical object; arrays hold scalars only."""
    encode(dict(values))
    for name, value in values.items():
        items = value if type(value) is list else (value,)
        if not _SCALARS.issuperset(map(type, items)):
            raise InputError("DISCLOSURE_VALUE", name=name)


class _Forms(NamedTuple):
    """What the claims of one type's records share: ``names`` ascending; ``pick``: a row's values in their order;
    ``label``: of the salts; ``split``: a record's stream of them into pieces; ``lines``: what is hashed, of columns
    salt, value, salt, value …; ``content``: the values, a column each."""

    names: tuple[str, ...]
    pick: Callable[[Mapping[str, Any]], Iterable[Any]]
    label: bytes
    split: Callable[[bytes], Iterable[bytes]]
    lines: Frame
    content: Frame


@lru_cache(256)
def _forms(names: tuple[str, ...]) -> _Forms:
    ascending = tuple(sorted(names))
    # a name that a row lacks would be an error of the caller's; with one name more a single one gives a tuple too
    pick = itemgetter(*ascending) if len(ascending) > 1 else lambda row: [row[name] for name in ascending]
    numbered = list(enumerate(ascending))
    lines = Frame([[frames.text(2 * at), name, frames.value(2 * at + 1)] for at, name in numbered], PREFIX)
    content = Frame([{name: frames.value(at) for at, name in numbered}])
    split = struct.Struct(f"{SALT_BYTES}s" * (1 + len(ascending))).unpack
    return _Forms(ascending, pick, salts_label(ascending), split, lines, content)


def _columns(hashes: Iterable[bytes], width: int) -> list[tuple[bytes, ...]]:
    """base64url of many 32-byte values, all in one call, dealt into ``width`` columns."""
    if not width:
        return []
    joined = b"\0".join([*hashes, b""])  # 33 bytes are 44 characters, of which the last is not ours
    encoded = pybase64.b64encode(joined, altchars=b"-_")
    return list(zip(*struct.iter_unpack(f"{_LENGTH}sx" * width, encoded), strict=True))

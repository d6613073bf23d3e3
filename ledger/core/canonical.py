"""Canonical bytes: the one road from a value to the bytes that are hashed or signed, and back.

RFC 8785 (JCS) over a closed grammar, so that every implementation in any language agrees on the bytes:

- objects with keys ``[a-z][A-Za-z0-9]*`` of at most 32 characters, arrays, strings, booleans, null;
- integers 0 … 2^53-1, never floats (the only part of JCS on which implementations differ);
- strings without control (Cc), bidirectional-control, private-use and non-characters or lone surrogates,
  and never normalised: NFC turns some Chinese names into others.

Under this grammar ``orjson`` with sorted keys equals JCS byte for byte. The guard walks on reading as on
writing: ``orjson`` repeats ``1.0`` and 2^53 unchanged, so comparing re-serialised bytes is not enough.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

import orjson

from ledger.errors import InputError

MAX_INTEGER = (1 << 53) - 1
"""The largest integer that every JSON reader keeps exactly (RFC 7493 section 2.2)."""

FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional control: text that reads as another text
    "\ud800-\udfff"  # lone surrogates
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: another glyph on every system
    "\ufdd0-\ufdef"  # non-characters, and the last two of each plane
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
"""Characters no string may hold. Fixed here: the Unicode tables of a Python version decide nothing."""

_URL_SAFE = bytes.maketrans(b"+/", b"-_")

_KEY = re.compile("[a-z][A-Za-z0-9]{0,31}")
# Keys are ASCII: the order of bytes is the order of UTF-16 units. STRICT_INTEGER refuses more than 53 bits.
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER

_LINES = _OPTIONS | orjson.OPT_INDENT_2
_SCALARS = {str, int, bool, type(None)}
_TEXT = {str}

_dumps = orjson.dumps

_KNOWN_KEYS_LIMIT = 4096  # hostile input must not grow the cache without end
_known_keys: set[str] = set()
_knows = _known_keys.issuperset
_BACKSLASH, _DELETE = 0x5C, 0x7F


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a document: ``size`` in bytes, ``depth`` in nested objects and arrays."""

    size: int
    depth: int


RECORD_LIMITS = Limits(65536, 6)
BUNDLE_LIMITS = Limits(1 << 20, 12)


def encode(value: Any, limits: Limits = RECORD_LIMITS) -> bytes:
    """Canonical bytes of ``value``.

    Raises:
        InputError: ``CANONICAL_…`` with the JSON path of the fault, never with the value found there.
    """
    try:
        data = _dumps(value, None, _OPTIONS)
    except (TypeError, RecursionError) as error:
        _require(value, "$", limits.depth)
        raise InputError("CANONICAL_TYPE", path="$", type=type(value).__name__) from error
    # Strings are judged together: a serialised text without an escape in which every character is printable
    # holds none of FORBIDDEN, in any version of Unicode.
    if (
        (_DELETE not in data if data.isascii() else data.decode().isprintable())
        and _BACKSLASH not in data
        and (_is_plain_object(value, limits.depth) if type(value) is dict else _is_plain_array(value, limits.depth))
        and len(data) <= limits.size
    ):
        return data
    _require(value, "$", limits.depth)
    if len(data) > limits.size:
        raise InputError("CANONICAL_SIZE", size=len(data), limit=limits.size)
    return data


def encode_each(values: list[Any]) -> list[bytes]:
    """Canonical bytes of each of many values, as ``encode`` gives them; a few calls for all where all are scalars.

    Raises:
        InputError: as ``encode``.
    """
    pieces = encode_scalars(values)
    return list(map(encode, values)) if pieces is None else pieces


def encode_scalars(values: list[Any]) -> list[bytes] | None:
    """``encode_each``, or ``None`` where one of the values is no scalar, or none that the grammar allows."""
    kinds = set(map(type, values))
    if not kinds <= _SCALARS or (int in kinds and min(v for v in values if type(v) is int) < 0):
        return None
    together = "".join(values if kinds == _TEXT else [v for v in values if type(v) is str])
    if not together.isprintable() and FORBIDDEN.search(together):
        return None
    try:
        lines = _dumps(values, None, _LINES)
    except TypeError:  # an integer of more than 53 bits
        return None
    # Indented, the scalars of a list stand on lines of their own, and no text holds an end of line.
    return lines[4:-2].split(b",\n  ") if values else []


def decode(data: bytes, limits: Limits = RECORD_LIMITS) -> Any:
    """The value whose canonical bytes are ``data``; any other spelling of it is refused.

    Raises:
        InputError: ``CANONICAL_SIZE``, ``CANONICAL_SYNTAX``, ``CANONICAL_FORM`` (well-formed JSON, but
            not the canonical bytes: duplicate keys, blanks, other escapes), or a fault of the grammar.
    """
    if len(data) > limits.size:
        raise InputError("CANONICAL_SIZE", size=len(data), limit=limits.size)
    try:
        value = orjson.loads(data)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise InputError("CANONICAL_SYNTAX") from error
    if encode(value, limits) != data:
        raise InputError("CANONICAL_FORM")
    return value


def _is_plain_object(node: dict[Any, Any], depth: int, kind: Any = type, text: Any = str, knows: Any = _knows) -> bool:
    """The fast answer for all that the bytes do not show: True only if keys, types and signs obey the grammar, with at
    most ``depth`` levels, ``node`` among them. False means "look closely". Half of all time goes into this loop: the
    last three parameters are names that are looked up once.
    """
    if not (knows(node) or _learn(node)):
        return False
    for member in node.values():
        if kind(member) is text:
            continue
        if member is None:
            continue
        if kind(member) is dict:
            if depth == 1 or not _is_plain_object(member, depth - 1):
                return False
        elif kind(member) is list:
            if depth == 1 or (member and not _is_plain_array(member, depth - 1)):
                return False
        elif kind(member) is int:
            if member < 0:
                return False
        elif kind(member) is not bool:
            return False
    return True


def _is_plain_array(node: Any, depth: int) -> bool:
    if type(node) is not list:
        return False
    for member in node:
        if type(member) is dict:
            if depth == 1 or not _is_plain_object(member, depth - 1):
                return False
        elif type(member) is list:
            if depth == 1 or not _is_plain_array(member, depth - 1):
                return False
        elif type(member) is int:
            if member < 0:
                return False
        elif member is not None and type(member) is not str and type(member) is not bool:
            return False
    return True


def _learn(node: dict[Any, Any]) -> bool:
    if not all(type(key) is str and _KEY.fullmatch(key) for key in node):
        return False
    if len(_known_keys) + len(node) <= _KNOWN_KEYS_LIMIT:
        _known_keys.update(node)
    return True


def _require(value: Any, path: str, depth: int) -> None:
    """The exact answer, slowly: raises at the first fault in document order."""
    kind = type(value)
    if kind is str:
        if FORBIDDEN.search(value):
            raise InputError("CANONICAL_CHARACTER", path=path)
    elif kind is int:
        if not 0 <= value <= MAX_INTEGER:
            raise InputError("CANONICAL_INTEGER", path=path)
    elif kind is dict or kind is list:
        if depth == 0:
            raise InputError("CANONICAL_DEPTH", path=path)
        if kind is list:
            for index, member in enumerate(value):
                _require(member, f"{path}[{index}]", depth - 1)
            return
        for key, member in value.items():
            if type(key) is not str or not _KEY.fullmatch(key):
                raise InputError("CANONICAL_KEY", path=path)
            _require(member, f"{path}.{key}", depth - 1)
    elif value is not None and kind is not bool:
        raise InputError("CANONICAL_TYPE", path=path, type=kind.__name__)


def b64(data: bytes) -> str:
    """base64url without padding (RFC 4648 section 5)."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode()


def unb64(text: object, path: str, length: int | None = None) -> bytes:
    """Bytes of a base64url text as ``b64`` writes it; ``length`` in bytes where it is fixed.

    Raises:
        InputError: ``CANONICAL_BASE64`` for padding, foreign characters or spare bits that are not zero
            (they could be changed unnoticed); ``CANONICAL_LENGTH`` for another length.
    """
    try:
        if type(text) is not str:
            raise ValueError
        raw = text.encode("ascii")
        data = base64.b64decode(raw + b"=" * (-len(raw) % 4), b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise InputError("CANONICAL_BASE64", path=path) from error
    if b64(data) != text:
        raise InputError("CANONICAL_BASE64", path=path)
    if length is not None and len(data) != length:
        raise InputError("CANONICAL_LENGTH", path=path, length=len(data), expected=length)
    return data

"""Strict reading of decoded JSON: exact keys, exact types, bounded sizes; every refusal names the path.

``canonical.decode`` has already refused floats, unknown key spellings and hostile characters. What is left
is the shape, and one set of readers serves every format, so that no format forgets a bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from ledger.core.canonical import unb64
from ledger.errors import InputError

T = TypeVar("T")

MAX_INTEGER = 2**53 - 1
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def refuse(code: str, path: str, **values: Any) -> NoReturn:
    raise InputError(code, path=path, **values)


def members(value: object, path: str, *names: str) -> list[Any]:
    """Values of an object that has exactly the keys ``names``, in that order.

    Raises:
        InputError: ``SHAPE_TYPE`` if it is no object, ``SHAPE_KEYS`` if a key is missing or unknown.
    """
    if type(value) is not dict:
        refuse("SHAPE_TYPE", path, expected="object")
    if value.keys() != set(names):
        refuse("SHAPE_KEYS", path, missing=sorted(set(names) - value.keys()), unknown=sorted(value.keys() - set(names)))
    return [value[name] for name in names]


def tagged(value: object, path: str, tag: str, *names: str) -> list[Any]:
    """As ``members`` for an object that carries its own type tag (stops one format passing for another)."""
    if type(value) is dict and value.get("tag") != tag:
        refuse("SHAPE_TAG", path, expected=tag)
    return members(value, path, "tag", *names)[1:]


def integer(value: object, path: str, low: int = 0, high: int = MAX_INTEGER) -> int:
    # bool is an int to Python: `true` must not pass for 1
    if type(value) is not int:
        refuse("SHAPE_TYPE", path, expected="integer")
    if not low <= value <= high:
        refuse("SHAPE_RANGE", path, low=low, high=high)
    return value


def boolean(value: object, path: str) -> bool:
    if type(value) is not bool:
        refuse("SHAPE_TYPE", path, expected="boolean")
    return value


def text(value: object, path: str, pattern: re.Pattern[str] | None = None, high: int = 256) -> str:
    if type(value) is not str:
        refuse("SHAPE_TYPE", path, expected="string")
    if not 0 < len(value) <= high:
        refuse("SHAPE_RANGE", path, low=1, high=high)
    if pattern is not None and not pattern.fullmatch(value):
        refuse("SHAPE_TEXT", path, pattern=pattern.pattern)
    return value


def choice(words: tuple[str, ...]) -> Callable[[object, str], str]:
    """A reader of one of these words."""

    def read(value: object, path: str) -> str:
        if type(value) is not str or value not in words:
            refuse("SHAPE_TEXT", path, pattern="|".join(words))
        return value

    return read


def day(value: object, path: str) -> str:
    """A calendar date ``YYYY-MM-DD`` that exists (ISO 8601)."""
    found = text(value, path, _DATE)
    try:
        date.fromisoformat(found)
    except ValueError as e:
        raise InputError("SHAPE_DATE", path=path) from e
    return found


def digest(value: object, path: str) -> bytes:
    """32 bytes in base64url."""
    return unb64(value, path, 32)


def octets(value: object, path: str) -> bytes:
    """One byte or more in base64url."""
    return unb64(value, path) or refuse("SHAPE_RANGE", path, low=1, high="∞")


def array(value: object, path: str, item: Callable[[object, str], T], low: int = 0, high: int = 4096) -> tuple[T, ...]:
    if type(value) is not list:
        refuse("SHAPE_TYPE", path, expected="array")
    if not low <= len(value) <= high:
        refuse("SHAPE_RANGE", path, low=low, high=high)
    return tuple(item(v, f"{path}[{i}]") for i, v in enumerate(value))


def optional(value: object, path: str, item: Callable[[object, str], T]) -> T | None:
    return None if value is None else item(value, path)


def ascending(values: tuple[Any, ...], path: str) -> None:
    """Sets are written in strictly ascending order: one set, one spelling, no duplicate."""
    if any(not a < b for a, b in pairwise(values)):
        refuse("SHAPE_ORDER", path)

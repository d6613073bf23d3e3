"""The verification code of a record: the 80 bits that stand beside its number, without which a number of a personal
type is answered by nobody (why.md F24: numbers can be counted through).

It is derived from the record's key, so that nothing new is stored and erasing the key ends the code too. Printed in
Crockford's base32 (no I, L, O and U): sixteen characters in four groups; what people type for them is read alike.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from ledger.core.keys import CODE_BYTES, RecordKey
from ledger.errors import InputError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHARACTERS = CODE_BYTES * 8 // 5
MAX_TYPED = 64
"""Characters of a typed code with everything around it: longer texts are not looked at."""

_ALIKE = {ord("O"): "0", ord("I"): "1", ord("L"): "1"}
_WRONG = re.compile(r"[^0-9A-TV-Za-tv-z]")
_DIGITS = {ord(c): "0123456789abcdefghijklmnopqrstuv"[value] for value, c in enumerate(ALPHABET)}
_DIGITS |= {typed: _DIGITS[ord(meant)] for typed, meant in _ALIKE.items()}
_DIGITS |= {ord(chr(typed).lower()): digit for typed, digit in _DIGITS.items()}
"""What is typed, in the digits in which Python reads numbers to the base 32."""
_NARROW = {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
_BETWEEN = re.compile(r"[\s_\u00ad\u2010-\u2015\u2212\u30fc-]")
"""Blanks (the ideographic one too) and what stands for a hyphen on some keyboard; narrowed already."""


def print_code(key: RecordKey) -> str:
    """``ABCD-EFGH-JKMN-PQRS``."""
    number, digits = int.from_bytes(key.verification_code()), ""
    for _ in range(CHARACTERS):
        number, digit = divmod(number, 32)
        digits = ALPHABET[digit] + digits
    return "-".join(digits[at : at + 4] for at in range(0, CHARACTERS, 4))


def parse_code(text: str) -> bytes:
    """The 10 bytes of a typed code: full-width, lower case, blanks and hyphens anywhere; O is 0, I and L are 1.

    Raises:
        InputError: CODE_LENGTH, CODE_CHARACTER. They depend on the text alone, never on what is stored.
    """
    if len(text) > MAX_TYPED:
        raise InputError("CODE_LENGTH", length=len(text), expected=CHARACTERS)
    typed = _BETWEEN.sub("", text.translate(_NARROW))
    if len(typed) != CHARACTERS:
        raise InputError("CODE_LENGTH", length=len(typed), expected=CHARACTERS)
    if wrong := _WRONG.search(typed):
        raise InputError("CODE_CHARACTER", place=wrong.start() + 1)
    return int(typed.translate(_DIGITS), 32).to_bytes(CODE_BYTES)


def page_link(page: str, record_id: str, code: str | None = None) -> str:
    """What a printed QR code holds: the page's address (without a fragment) and `link_fragment`."""
    return f"{page.rstrip('/')}/#{link_fragment(record_id, code)}"


def link_fragment(record_id: str, code: str | None = None) -> str:
    """What a printed QR code puts behind ``#`` of the page's address: browsers send no fragment to a server, so
    neither number nor code stands in anybody's log. ``i=…&k=…``, percent-encoded (RFC 3986)."""
    fragment = "i=" + quote(record_id, safe=":.")
    return fragment if code is None else f"{fragment}&k={quote(code, safe='-')}"
